import { useEffect, useRef, useState } from 'preact/hooks';
import { useLiveState } from './api/hooks';
import type { LiveState } from './api/live';
import { Drift } from './pages/drift';
import { Import } from './pages/import';
import { NewProduct } from './pages/new-product';
import { Now } from './pages/now';
import { Orders } from './pages/orders';
import { ProductPage } from './pages/product';
import { Products } from './pages/products';
import { Rentals } from './pages/rentals';
import { Reports } from './pages/reports';
import { Reservations } from './pages/reservations';
import { followLinks, hrefOf, type Place, usePlace } from './router';
import { useSession } from './session';
import { type Theme, useTheme } from './theme';
import { PageTitle } from './ui/parts';

/** What stands around each page. */
export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const place = usePlace();
  const session = useSession();
  const [theme, nextTheme] = useTheme();
  useEffect(() => {
    addEventListener('click', followLinks);
    return () => removeEventListener('click', followLinks);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <header class="top">
        <a class="brand" href={hrefOf('/')}>
          Rental availability
        </a>
        <LiveMark />
        <span class="who quiet">
          {session.sub} · store {session.store_id}
        </span>
        <ThemeButton theme={theme} onNext={nextTheme} />
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </header>
      <Navigation place={place} />
      <main id="page" tabIndex={-1}>
        <CurrentPage place={place} />
      </main>
    </div>
  );
}

function Navigation({ place }: { place: Place }) {
  const isAdmin = useSession().role === 'admin';
  const entries: readonly (readonly [path: string, label: string, isThere: boolean])[] = [
    ['/', 'Now', true],
    ['/products', 'Products', true],
    ['/rentals', 'Rentals', true],
    ['/reservations', 'Reservations', true],
    ['/orders', 'Orders', true],
    ['/drift', 'Drift', isAdmin],
    ['/reports', 'Reports', true],
  ];
  const nav = useRef<HTMLElement>(null);
  // On a phone they stand side by side, and reach beyond its edge.
  useEffect(() => {
    const current = nav.current?.querySelector('[aria-current]');
    current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [place.path]);
  const isCurrent = (path: string) =>
    path === '/' ? place.path === '/' : `${place.path}/`.startsWith(`${path}/`);
  return (
    <nav ref={nav} class="side" aria-label="Pages of the dashboard">
      <ul>
        {entries
          .filter(([, , isThere]) => isThere)
          .map(([path, label]) => (
            <li key={path}>
              <a href={hrefOf(path)} aria-current={isCurrent(path) ? 'page' : undefined}>
                {label}
              </a>
            </li>
          ))}
      </ul>
    </nav>
  );
}

function CurrentPage({ place }: { place: Place }) {
  const { path, query } = place;
  const product = /^\/products\/([^/]+)$/.exec(path)?.[1];
  switch (path) {
    case '/':
      return <Now />;
    case '/products':
      return <Products query={query} />;
    case '/products/new':
      return <NewProduct />;
    case '/products/import':
      return <Import />;
    case '/rentals':
      return <Rentals query={query} />;
    case '/reservations':
      return <Reservations query={query} />;
    case '/orders':
      return <Orders query={query} />;
    case '/drift':
      return <Drift />;
    case '/reports':
      return <Reports />;
    default:
      if (product !== undefined) return <ProductPage key={product} named={product} />;
      return (
        <>
          <PageTitle title="Nothing here" />
          <p>There is no page at this address.</p>
        </>
      );
  }
}

const STATES: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost: looking every 5 seconds, and trying again',
};

/** Whether what is shown changes by itself. A short gap between two connections is passed over. */
function LiveMark() {
  const state = useLiveState();
  const [shown, setShown] = useState<LiveState>(state);
  useEffect(() => {
    const timer = setTimeout(() => setShown(state), state === 'lost' ? 400 : 0);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <span class={`live ${shown}`} role="status">
      {STATES[shown]}
    </span>
  );
}

function ThemeButton({ theme, onNext }: { theme: Theme; onNext: () => void }) {
  const label = { auto: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' }[theme];
  return (
    <button type="button" class="plain theme" aria-label={label} title={label} onClick={onNext}>
      {{ auto: '◐', light: '☀', dark: '☾' }[theme]}
    </button>
  );
}
