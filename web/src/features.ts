import { useEffect, useState } from 'preact/hooks';

/** Which of the service's routes there are: by its own description, which needs no caller. */
export interface Routes {
  readonly hasOrders: boolean;
  readonly hasReports: boolean;
  readonly hasWebhooks: boolean;
}

let known: Promise<Routes> | null = null;

async function look(): Promise<Routes> {
  const response = await fetch('/openapi.json');
  const { paths } = (await response.json()) as { paths: Record<string, unknown> };
  return {
    hasOrders: '/api/orders' in paths,
    hasReports: Object.keys(paths).some((path) => path.startsWith('/api/reports/')),
    hasWebhooks: '/api/webhook-endpoints' in paths,
  };
}

/** null while it is not known. */
export function useRoutes(): Routes | null {
  const [routes, setRoutes] = useState<Routes | null>(null);
  useEffect(() => {
    known ??= look();
    known.then(setRoutes, () => {
      // What is not known to be there is not shown; the next page looks again.
      known = null;
    });
  }, []);
  return routes;
}
