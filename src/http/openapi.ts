import type { ZodObject } from 'zod';
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import type { Endpoint, SignedEndpoint, Surface } from './endpoint.js';
import { PROBLEMS, type ProblemCode } from './problem.js';

/** Problems that any route with a caller can answer with. */
const COMMON: readonly ProblemCode[] = [
  'malformed_request',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'internal',
  'overloaded',
  'database_unavailable',
];
const OF_WRITES: readonly ProblemCode[] = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'validation_failed',
  'idempotency_key_reused',
];

const ProblemReply = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, with a stable code.' });

/** The routes that need no caller. */
const OPERATIONS: ZodOpenApiPathsObject = {
  '/healthz': operational('isAlive', 'Whether the process is alive', {
    200: { description: 'It is.' },
  }),
  '/readyz': operational('isReady', 'Whether requests can be served', {
    200: { description: 'They can.' },
    503: { description: 'They can not just now; `reason` says why.' },
  }),
  '/metrics': operational('getMetrics', 'Metrics for Prometheus', {
    200: { description: 'In the text format of Prometheus.' },
    401: { description: 'METRICS_TOKEN is set, and was not sent as a bearer token.' },
  }),
  '/openapi.json': operational('getOpenApi', 'This document', { 200: { description: 'It.' } }),
  '/docs': operational('getDocs', 'This document, to be read and tried out in a browser', {
    200: { description: 'A page.' },
  }),
};

function operational(
  operationId: string,
  summary: string,
  responses: ZodOpenApiOperationObject['responses'],
): ZodOpenApiPathsObject[string] {
  return { get: { operationId, summary, tags: ['Operations'], security: [], responses } };
}

/** The OpenAPI 3.1 document, made from the schemas that validate. */
export function openApiDocument(
  surfaces: readonly Surface[],
  signedEndpoints: readonly SignedEndpoint[],
  version: string,
): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const endpoint of surfaces.flatMap((surface) => surface.endpoints)) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method]: operation(endpoint) };
  }
  for (const endpoint of signedEndpoints)
    paths[endpoint.path] = { post: signedOperation(endpoint) };
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Rental availability',
      version,
      description:
        'What can be rented, and taking units. A unit is never promised twice, and no accepted request is lost.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { apiKey: [] }],
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
    },
    paths: { ...paths, ...OPERATIONS },
  });
}

function operation(endpoint: Endpoint): ZodOpenApiOperationObject {
  const isWrite = endpoint.method !== 'get';
  const header = z.object({
    'X-Store-Id': z
      .string()
      .optional()
      .meta({ description: 'Which of the stores that the token is for.' }),
    ...(isWrite ? { 'Idempotency-Key': z.string().min(1).max(200).optional() } : {}),
    ...(endpoint.conditional ? { 'If-Match': z.string().optional() } : {}),
  });
  return {
    operationId: endpoint.operationId,
    summary: endpoint.summary,
    description: `${endpoint.description ? `${endpoint.description} ` : ''}Roles: ${endpoint.roles.join(', ')}.`,
    tags: [endpoint.tag],
    requestParams: {
      header,
      ...(endpoint.params ? { path: endpoint.params as ZodObject } : {}),
      ...(endpoint.query ? { query: endpoint.query as ZodObject } : {}),
    },
    ...(endpoint.body
      ? {
          requestBody: {
            required: !endpoint.body.safeParse(undefined).success,
            content: { 'application/json': { schema: endpoint.body } },
          },
        }
      : {}),
    responses: { ...replies(endpoint), ...problems(problemCodes(endpoint)) },
  };
}

/** Problems that a route without a caller can answer with, besides its own. */
const OF_SIGNED: readonly ProblemCode[] = [
  'malformed_request',
  'internal',
  'overloaded',
  'database_unavailable',
];

function signedOperation(endpoint: SignedEndpoint): ZodOpenApiOperationObject {
  const { operationId, summary, description, tag, signatureHeader } = endpoint;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: [],
    requestParams: { header: z.object({ [signatureHeader]: z.string() }) },
    requestBody: { required: true, content: { 'application/json': { schema: z.looseObject({}) } } },
    responses: { ...replies(endpoint), ...problems(new Set([...OF_SIGNED, ...endpoint.problems])) },
  };
}

function replies(endpoint: Pick<Endpoint, 'replies'>) {
  return Object.fromEntries(
    Object.entries(endpoint.replies).map(([status, { description, schema, orCsv }]) => {
      if (!schema) return [status, { description }];
      const csv = orCsv ? { 'text/csv': { schema: z.string() } } : {};
      return [status, { description, content: { 'application/json': { schema }, ...csv } }];
    }),
  );
}

/** Every problem that a route can answer with. */
export function problemCodes(endpoint: Endpoint): ReadonlySet<ProblemCode> {
  const isWrite = endpoint.method !== 'get';
  return new Set([...COMMON, ...(isWrite ? OF_WRITES : []), ...endpoint.problems]);
}

function problems(codes: ReadonlySet<ProblemCode>) {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      String(status),
      {
        description: some.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
        content: { 'application/problem+json': { schema: ProblemReply } },
      },
    ]),
  );
}
