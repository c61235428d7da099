import { describe } from '@jest/globals';
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
});
