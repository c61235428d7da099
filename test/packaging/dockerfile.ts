/** A Dockerfile, as far as ours goes: one instruction a line, COPY with plain paths. */
export interface Stage {
  /** null: the last one, which the image is */
  readonly name: string | null;
  readonly instructions: readonly { readonly word: string; readonly rest: string }[];
}

export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string | null; instructions: Stage['instructions'][number][] }[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [word = '', ...words] = line.split(' ');
    if (word === 'FROM') {
      stages.push({ name: / AS (\S+)$/.exec(line)?.[1] ?? null, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ word, rest: words.join(' ') });
    }
  }
  return stages;
}

/** What a stage says with this word, each time. */
export function said(stage: Stage, word: string): string[] {
  return stage.instructions.filter((each) => each.word === word).map(({ rest }) => rest);
}

/** `COPY --from=build --chown=1:1 a b /to`, taken apart. */
export function parseCopy(rest: string): {
  from: string | null;
  owner: number | null;
  sources: string[];
  target: string;
} {
  const words = rest.split(' ');
  const option = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? null;
  const paths = words.filter((word) => !word.startsWith('--'));
  const owner = option('chown');
  return {
    from: option('from'),
    owner: owner === null ? null : Number(owner.split(':')[0]),
    sources: paths.slice(0, -1),
    target: paths.at(-1) ?? '',
  };
}
