import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from './api/types';

/** Who is signed in. */
export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('nobody is signed in');
  return session;
}

export const useIsAdmin = () => useSession().role === 'admin';
