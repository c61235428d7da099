import { useEffect, useState } from 'preact/hooks';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const SHOWN_MS = 6_000;
let last = 0;
let show: ((notice: Notice) => void) | null = null;

/** Says what happened, for the eyes and for a screen reader. */
export function announce(text: string): void {
  show?.({ id: ++last, text, isBad: false });
}

/** Says what went wrong; it stays until it is put away. */
export function announceProblem(text: string): void {
  show?.({ id: ++last, text, isBad: true });
}

export function Announcements() {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const remove = (id: number) => setNotices((all) => all.filter((notice) => notice.id !== id));
  useEffect(() => {
    show = (notice) => {
      setNotices((all) => [...all.slice(-3), notice]);
      if (!notice.isBad) setTimeout(() => remove(notice.id), SHOWN_MS);
    };
    return () => {
      show = null;
    };
  }, []);
  const list = (isBad: boolean) =>
    notices
      .filter((notice) => notice.isBad === isBad)
      .map(({ id, text }) => (
        <div key={id} class={isBad ? 'notice bad' : 'notice'}>
          <span>{text}</span>
          <button type="button" class="plain" aria-label="Put away" onClick={() => remove(id)}>
            ×
          </button>
        </div>
      ));
  return (
    <div class="notices">
      <div role="status">{list(false)}</div>
      <div role="alert">{list(true)}</div>
    </div>
  );
}
