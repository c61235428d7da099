import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Service, startService, tokenFor } from '../helpers/service.js';

const MIB = 1024 * 1024;

describe('many large bodies at once', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService('sqlite');
  });
  afterAll(() => service.stop());

  it('are refused with 503 beyond what memory is set aside for, while small ones are served', async () => {
    const token = await tokenFor();
    const { hostname, port } = new URL(service.url);
    /** Begins to send a list of a mebibyte and goes no further; says what it is answered. */
    const begin = () => {
      const socket = connect(Number(port), hostname);
      const answer = new Promise<string>((resolve) => {
        socket.once('data', (data) => resolve(data.toString().split('\r\n')[0] ?? ''));
        socket.once('close', () => resolve('closed'));
        socket.once('error', () => resolve('closed'));
      });
      socket.write(
        `POST /api/products/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n{"products": [`,
      );
      return { socket, answer };
    };
    const held = Array.from({ length: 32 }, begin);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const beyond = begin();
    expect(await beyond.answer).toBe('HTTP/1.1 503 Service Unavailable');
    const admin = service.client();
    const made = await admin.post('/api/products', { sku: 'A', name: 'A', quantity: 1 });
    expect(made.status).toBe(201);
    for (const { socket } of [...held, beyond]) socket.destroy();
    await Promise.all(held.map(({ answer }) => answer));
  });
});
