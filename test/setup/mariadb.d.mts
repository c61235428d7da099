/** A server that this test run started for itself. */
export interface PrivateServer {
  /** `mysql://root@127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** kill -9, in the middle of whatever it does */
  kill(): void;
  /** starts it again after `kill`, on the same files */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** `baseDir` is where its files go: by default into memory, where there is a folder for that. */
export function startMariadb(options?: { baseDir?: string }): Promise<PrivateServer>;
