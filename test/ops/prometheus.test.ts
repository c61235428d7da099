import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { itWithPromtool, runPromtool } from '../helpers/promtool.js';

describe('what Prometheus is given', () => {
  itWithPromtool('is a configuration that promtool accepts', () => {
    runPromtool(['check', 'config', 'prometheus.yml']);
  });

  itWithPromtool('are rules that promtool accepts', () => {
    runPromtool(['check', 'rules', 'alerts.yml']);
  });

  itWithPromtool('are alerts that go off when they should, and not before', () => {
    runPromtool(['test', 'rules', 'alerts.test.yml']);
  });

  it('are alerts that are each tried out, both ways, and explained to who is woken by them', () => {
    const alerts = allIn('ops/prometheus/alerts.yml', /- alert: (\w+)/g);
    const tried = 'ops/prometheus/alerts.test.yml';
    const goOff = allIn(tried, /alertname: (\w+)\n\s+exp_alerts:/g);
    const stayQuiet = allIn(tried, /alertname: (\w+)\n(?!\s+exp_alerts:)/g);
    const explained = allIn('docs/operating.md', /`(Availability\w+)`/g);
    expect(goOff).toEqual(alerts);
    expect(stayQuiet).toEqual(alerts);
    expect(explained).toEqual(alerts);
  });
});

/** What is found in a file, once each and in order. */
function allIn(file: string, pattern: RegExp): string[] {
  const found = [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, name = '']) => name);
  return [...new Set(found)].sort();
}
