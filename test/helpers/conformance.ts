import type { Endpoint } from '../../src/http/endpoint.js';
import { problemCodes } from '../../src/http/openapi.js';
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.js';
import type { Answer } from './service.js';
import { SURFACES } from './surfaces.js';

const ROUTES = SURFACES.flatMap((surface) => surface.endpoints)
  .map((endpoint) => ({ endpoint, pattern: patternOf(endpoint) }))
  // `/api/products/batch` before `/api/products/:productId`
  .sort((a, b) => parameters(a.endpoint) - parameters(b.endpoint));

/**
 * Throws where an answer is not what the API's description promises for its route: a status with
 * the body of its schema, or a problem that the route declares. Unknown routes must give problems.
 */
export function assertConforms(method: string, path: string, answer: Answer): void {
  const { pathname } = new URL(path, 'http://service');
  const endpoint = ROUTES.find(
    (route) => route.endpoint.method === method.toLowerCase() && route.pattern.test(pathname),
  )?.endpoint;
  try {
    const spec = endpoint?.replies[answer.status];
    if (spec) {
      const isCsv = (answer.headers.get('content-type') ?? '').startsWith('text/csv');
      if (spec.orCsv && isCsv) return;
      if (spec.schema) spec.schema.parse(answer.body);
      else if (answer.body !== undefined) throw new Error('a body was not declared');
      return;
    }
    if (endpoint || answer.status >= 400) assertProblem(answer, endpoint);
  } catch (error) {
    const shown = JSON.stringify(answer.body)?.slice(0, 1000);
    throw new Error(`${method} ${path} answered ${answer.status} ${shown}: ${error}`);
  }
}

function assertProblem(answer: Answer, endpoint: Endpoint | undefined): void {
  // The routes of operations have bodies of their own, or none.
  if (!endpoint && answer.body?.code === undefined) return;
  const { type, title, status, detail, instance, code } = answer.body;
  const known = PROBLEMS[code as ProblemCode];
  const expected = { type: `urn:problem:${code}`, title: known?.title, status: known?.status };
  const contentType = answer.headers.get('content-type') ?? '';
  const wrong = [
    ...(contentType.startsWith('application/problem+json') ? [] : [`is ${contentType}`]),
    ...(type === expected.type && title === expected.title ? [] : ['type or title']),
    ...(status === expected.status && answer.status === status ? [] : ['status']),
    ...(typeof detail === 'string' && detail.endsWith('.') ? [] : ['detail is no sentence']),
    ...(typeof instance === 'string' && instance !== '' ? [] : ['instance']),
    ...(!endpoint || problemCodes(endpoint).has(code) ? [] : ['is not declared by the route']),
    ...([429, 503].includes(status) && !answer.headers.has('retry-after') ? ['Retry-After'] : []),
  ];
  if (wrong.length > 0) throw new Error(`the problem is not right: ${wrong.join(', ')}`);
}

function patternOf(endpoint: Endpoint): RegExp {
  return new RegExp(`^${endpoint.path.replace(/:\w+/g, '[^/]+')}/?$`);
}

function parameters(endpoint: Endpoint): number {
  return endpoint.path.split(':').length;
}
