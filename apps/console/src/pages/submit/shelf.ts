/** The files somebody chose, by their path below the job's folder. Immutable: adding makes a new shelf. */
export type Shelf = ReadonlyMap<string, File>

/** One chosen file with the path it was chosen by. */
export interface Chosen {
  readonly path: string
  readonly file: File
}

export const MOST_FILES = 20_000

/** Adds files; one of the same path takes the place of the other. */
export function withFiles(shelf: Shelf, chosen: readonly Chosen[]): Shelf {
  return new Map([...shelf, ...chosen.map(({ path, file }) => [path, file] as const)].slice(-MOST_FILES))
}

/** Drops the folder that everything lies in, so that paths are relative to the job, as in its document. */
export function withoutCommonFolder(chosen: readonly Chosen[]): Chosen[] {
  const [top] = (chosen[0]?.path ?? '').split('/')
  const inFolder = chosen.length > 0 && chosen.every(({ path }) => path.startsWith(`${top}/`))
  return inFolder ? chosen.map(({ path, file }) => ({ path: path.slice(top!.length + 1), file })) : [...chosen]
}

/** The job document among chosen files: `job.yaml` first, else the only YAML file at the top. */
export function documentAmong(chosen: readonly Chosen[]): File | undefined {
  const named = chosen.find(({ path }) => /^job\.(ya?ml|json)$/i.test(path))
  if (named) return named.file
  const yamls = chosen.filter(({ path }) => /^[^/]+\.ya?ml$/i.test(path))
  return yamls.length === 1 ? yamls[0]!.file : undefined
}

/** The file a document means: by its path, else the only one of that name, for files chosen without their folders. */
export function findFile(shelf: Shelf, path: string): File | undefined {
  const wanted = path.replace(/^(\.\/)+/, '')
  const exact = shelf.get(wanted)
  if (exact || wanted === '') return exact
  const name = baseName(wanted)
  const alike = [...shelf].filter(([other]) => baseName(other) === name)
  return alike.length === 1 ? alike[0]![1] : undefined
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
