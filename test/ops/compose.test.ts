import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const compose = readFileSync('compose.yaml', 'utf8');

describe('compose.yaml', () => {
  it('mounts only what there is', () => {
    const mounted = [...compose.matchAll(/- \.\/([^:]+):/g)].map(([, path = '']) => path);
    expect(mounted).toContain('ops/prometheus');
    expect(mounted).toContain('ops/grafana/dashboards');
    expect(mounted.filter((path) => !existsSync(path))).toEqual([]);
  });

  it('gives Grafana its dashboard, on the data source that the dashboard names', () => {
    const dashboards = 'ops/grafana/provisioning/dashboards/availability.yml';
    const [, folder = ''] = /path: (\S+)/.exec(readFileSync(dashboards, 'utf8')) ?? [];
    expect(compose).toContain(`- ./ops/grafana/dashboards:${folder}:ro`);
    const sources = readFileSync('ops/grafana/provisioning/datasources/prometheus.yml', 'utf8');
    const [, uid] = /uid: (\S+)/.exec(sources) ?? [];
    const dashboard = readFileSync('ops/grafana/dashboards/availability.json', 'utf8');
    const named = [...dashboard.matchAll(/"datasource": \{[^}]*"uid": "([^"]+)"/g)];
    expect(new Set(named.map(([, name]) => name))).toEqual(new Set([uid]));
  });

  it('opens ports to this machine alone, each to one service', () => {
    const ports = [...compose.matchAll(/- (\S+):(\d+):\d+$/gm)].map(([, host, port]) => [
      host,
      port,
    ]);
    expect(ports.length).toBeGreaterThan(2);
    expect(new Set(ports.map(([host]) => host))).toEqual(new Set(['127.0.0.1']));
    expect(new Set(ports.map(([, port]) => port)).size).toBe(ports.length);
  });
});
