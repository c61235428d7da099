import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError, call, onExpiry, sentenceOf } from './api/client';
import { storeCredentials, storedCredentials } from './api/credentials';
import { live } from './api/live';
import type { Session } from './api/types';
import { NOT_FOR_CUSTOMERS, SignIn } from './pages/sign-in';
import { SessionContext } from './session';
import { Shell } from './shell';
import { Announcements } from './ui/announce';

type State =
  | { readonly is: 'looking' }
  /** `why`: what is said above the sign-in */
  | { readonly is: 'out'; readonly why: string | null }
  | { readonly is: 'in'; readonly session: Session };

/**
 * Who is signed in decides what is shown. The address stays what it is meanwhile, so that whoever
 * signs in again is back on the same page.
 */
export function App() {
  const [state, setState] = useState<State>({ is: 'looking' });

  const leave = useCallback((why: string | null) => {
    storeCredentials(null);
    live.stop();
    setState({ is: 'out', why });
  }, []);
  const enter = useCallback(
    (session: Session) => {
      if (session.role === 'customer') {
        leave(NOT_FOR_CUSTOMERS);
        return;
      }
      setState({ is: 'in', session });
      live.start();
    },
    [leave],
  );
  const look = useCallback(() => {
    if (!storedCredentials()) {
      setState({ is: 'out', why: null });
      return;
    }
    call<Session>('GET', '/api/session').then(enter, (error: unknown) => {
      // An end of the session is told by the listener below.
      if (error instanceof ApiError && error.status === 401) return;
      setState({ is: 'out', why: sentenceOf(error) });
    });
  }, [enter]);

  useEffect(look, [look]);
  useEffect(() => onExpiry(() => leave('Your session has ended. Sign in to go on here.')), [leave]);

  return (
    <>
      {state.is === 'out' && <SignIn why={state.why} onSignedIn={enter} />}
      {state.is === 'in' && (
        <SessionContext.Provider value={state.session}>
          <Shell onSignOut={() => leave(null)} />
        </SessionContext.Provider>
      )}
      <Announcements />
    </>
  );
}
