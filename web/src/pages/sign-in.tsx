import { useEffect, useState } from 'preact/hooks';
import { ApiError, call } from '../api/client';
import { storeCredentials, toCredentials, wrongFormOf } from '../api/credentials';
import type { Session } from '../api/types';
import { Field, Form } from '../ui/form';

export const NOT_FOR_CUSTOMERS =
  "This is a customer's token. The dashboard is for those who run the shop.";

interface SignInProps {
  readonly why: string | null;
  readonly onSignedIn: (session: Session) => void;
}

/** Asks for a token or a key, and lets in whoever works for the shop. */
export function SignIn({ why, onSignedIn }: SignInProps) {
  const [secret, setSecret] = useState('');
  const [store, setStore] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  useEffect(() => {
    document.title = 'Sign in · Rental availability';
  }, []);

  const signIn = async () => {
    setWrong(null);
    const credentials = toCredentials(secret, store);
    const wrongForm = wrongFormOf(credentials);
    if (wrongForm !== null) {
      setWrong(wrongForm);
      return;
    }
    let session: Session;
    try {
      session = await call<Session>('GET', '/api/session', { credentials });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setWrong(error.message);
      return;
    }
    if (session.role === 'customer') {
      setWrong(NOT_FOR_CUSTOMERS);
      return;
    }
    storeCredentials(credentials);
    onSignedIn(session);
  };

  return (
    <main class="sign-in">
      <h1>Rental availability</h1>
      {why !== null && (
        <p class="box" role="status">
          {why}
        </p>
      )}
      <Form onSend={signIn} submit="Sign in" fields={[]}>
        {() => (
          <>
            <Field
              label="Token or API key"
              type="password"
              value={secret}
              onValue={setSecret}
              error={wrong}
              autocomplete="current-password"
              isRequired
              isFirst
              hint="npm run create-token makes one. It stays in this tab, and goes with it."
            />
            <Field
              label="Store (only for a token of several)"
              type="number"
              value={store}
              onValue={setStore}
            />
          </>
        )}
      </Form>
    </main>
  );
}
