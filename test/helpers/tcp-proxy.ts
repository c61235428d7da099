import { connect, createServer, type Socket } from 'node:net';

/**
 * What becomes of a statement on its way to the server:
 *
 * - `pass`: it gets there, and its answer comes back
 * - `answer_lost`: the server carries it out, and its client is cut off instead of being answered
 * - `answer_swallowed`: the same, but the client waits for ever
 * - `late`: its client is cut off at once, and it gets there later, on a session that still lives
 * - `cut`: it never gets there; the client is cut off, and the server notices nothing: its session
 *   stays, with all that it locked
 * - `reset`: it never gets there, and both sides are cut off
 * - `blackhole`: it never gets there, and neither side is told; nothing passes there any more
 */
export type Verdict =
  | 'pass'
  | 'answer_lost'
  | 'answer_swallowed'
  | 'late'
  | 'cut'
  | 'reset'
  | 'blackhole';

/** A proxy before a MySQL server that reads along just enough to cut at a statement. */
export interface TcpProxy {
  readonly port: number;
  /** judges each statement; by default all pass */
  judge: (sql: string) => Verdict;
  /** ms that each statement takes longer */
  delayMs: number;
  /** from now on nothing passes on the connections that are open, and new ones get no answer */
  blackhole: boolean;
  close(): Promise<void>;
}

/** Starts a proxy before the server on `serverPort` of this machine. */
export async function startProxy(serverPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const proxy = {
    port: 0,
    judge: (_sql: string): Verdict => 'pass',
    delayMs: 0,
    blackhole: false,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }
    join(client, upstream, proxy);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  proxy.port = typeof address === 'object' && address ? address.port : 0;
  return proxy;
}

type Rules = Pick<TcpProxy, 'judge' | 'delayMs' | 'blackhole'>;

function join(client: Socket, upstream: Socket, rules: Rules): void {
  /** what is done with whatever the server says */
  let answers: 'pass' | 'swallow' | 'end_client' = 'pass';
  let isBlackhole = false;
  /** the server's session outlives its client */
  let isAbandoned = false;

  upstream.on('data', (data) => {
    if (isBlackhole || rules.blackhole || answers === 'swallow') return;
    if (answers === 'end_client') client.resetAndDestroy();
    else client.write(data);
  });
  upstream.on('close', () => {
    if (!isBlackhole && answers === 'pass') client.destroy();
  });
  client.on('close', () => {
    if (!isBlackhole && !isAbandoned) upstream.destroy();
  });

  const forward = (packet: Buffer) => {
    if (isBlackhole || rules.blackhole) return;
    const verdict = isQuery(packet)
      ? rules.judge(packet.toString('utf8', HEADER_BYTES + 1))
      : 'pass';
    switch (verdict) {
      case 'pass':
        upstream.write(packet);
        break;
      case 'answer_lost':
        answers = 'end_client';
        upstream.write(packet);
        break;
      case 'answer_swallowed':
        answers = 'swallow';
        upstream.write(packet);
        break;
      case 'late':
        isAbandoned = true;
        client.resetAndDestroy();
        setTimeout(() => upstream.write(packet), LATE_MS);
        break;
      case 'cut':
        isAbandoned = true;
        client.resetAndDestroy();
        break;
      case 'reset':
        client.resetAndDestroy();
        upstream.resetAndDestroy();
        break;
      case 'blackhole':
        isBlackhole = true;
        break;
    }
  };
  eachPacket(client, (packet) => {
    if (rules.delayMs > 0 && isQuery(packet)) setTimeout(forward, rules.delayMs, packet);
    else forward(packet);
  });
}

const LATE_MS = 500;
const HEADER_BYTES = 4;
const COM_QUERY = 3;

/** A command starts with number 0; what has another is part of the greeting. */
const isQuery = (packet: Buffer) => packet[3] === 0 && packet[HEADER_BYTES] === COM_QUERY;

function eachPacket(socket: Socket, take: (packet: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= HEADER_BYTES) {
      const length = HEADER_BYTES + rest.readUIntLE(0, 3);
      if (rest.length < length) return;
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}
