/** The first of these programs that is on this machine. */
export function findBinary(...names: string[]): string | undefined;
export function startMariadb(options?: {
  baseDir?: string;
}): Promise<{ url: string; stop(): Promise<void> }>;
