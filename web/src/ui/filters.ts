import { useEffect, useState } from 'preact/hooks';
import { useQuiet } from '../api/hooks';
import { setQuery } from '../router';

/**
 * What a list is narrowed to: typed at once, asked for once it is quiet, and kept in the address, so
 * that it can be linked to and gone back to.
 */
export function useFilters<Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
): {
  readonly typed: Readonly<Record<Name, string>>;
  readonly asked: Readonly<Record<Name, string>>;
  set(change: Readonly<Partial<Record<Name, string>>>): void;
} {
  const inAddress = () =>
    Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<Name, string>;
  const [typed, setTyped] = useState(inAddress);
  const said = query.toString();
  // A link to other filters changes them.
  useEffect(() => setTyped(inAddress()), [said]);
  const trimmed = JSON.stringify(
    Object.fromEntries(names.map((name) => [name, typed[name].trim()])),
  );
  const quiet = useQuiet(trimmed);
  const asked = JSON.parse(quiet) as Record<Name, string>;
  useEffect(() => setQuery(JSON.parse(quiet) as Record<Name, string>), [quiet]);
  return { typed, asked, set: (change) => setTyped((before) => ({ ...before, ...change })) };
}
