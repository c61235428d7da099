import { useEffect, useState } from 'preact/hooks';

/** Where the page is: the address below `/admin`, and what stands behind its question mark. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const BASE = '/admin';
const CHANGED = 'placechanged';

function here(): Place {
  const path = location.pathname.slice(BASE.length).replace(/\/+$/, '');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(location.search) };
}

export const hrefOf = (path: string) => (path === '/' ? BASE : `${BASE}${path}`);

/** Goes to a page. */
export function go(path: string): void {
  history.pushState(null, '', hrefOf(path));
  scrollTo(0, 0);
  dispatchEvent(new Event(CHANGED));
}

/** Says in the address what is looked for, without a step to go back to. */
export function setQuery(query: Readonly<Record<string, string>>): void {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(given).toString();
  history.replaceState(null, '', `${location.pathname}${search === '' ? '' : `?${search}`}`);
  dispatchEvent(new Event(CHANGED));
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const update = () => setPlace(here());
    addEventListener('popstate', update);
    addEventListener(CHANGED, update);
    return () => {
      removeEventListener('popstate', update);
      removeEventListener(CHANGED, update);
    };
  }, []);
  return place;
}

/** Lets links within the dashboard change the page without loading it anew. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest<HTMLAnchorElement>('a[href]');
  if (link?.target !== '' || link.origin !== location.origin) return;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
  if (link.hash !== '') return;
  event.preventDefault();
  go(`${link.pathname.slice(BASE.length) || '/'}${link.search}`);
}
