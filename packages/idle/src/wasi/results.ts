import type { FileNode, FileTree } from './file-tree.ts'

/** Not allowed in names on some system a result may be saved on, and control characters. */
const UNSAFE = /[\\:*?"<>|]|%(?=[0-9A-Fa-f]{2})|\p{Cc}|[. ](?=\/|$)/gu
/** Names that Windows keeps for devices, whatever follows the first dot. */
const DEVICE = /^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))./i

/**
 * The results of a task: what lies in `/out`, and what is new or changed in the working folder, by relative name and
 * sorted. If both folders have a name, the working folder's is put under `work/`. Links are not results.
 */
export function collectResults(tree: FileTree): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, FileNode>()
  for (const [path, file] of tree.filesUnder(tree.mount('out'))) files.set(safeName(path), file)
  for (const [path, file] of tree.filesUnder(tree.top)) {
    if (isResult(file, path)) files.set(freeName(files, safeName(path)), file)
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return new Map(sorted.map(([path, file]) => [path, file.content.toBytes()]))
}

/**
 * A relative path that means the same file on every system: what a system gives a meaning is written as `%` and two
 * hexadecimal digits of its code, and different names stay different.
 */
export function safeName(path: string): string {
  return path
    .replace(UNSAFE, escape)
    .split('/')
    .map((part) => part.replace(DEVICE, escape))
    .join('/')
}

function escape(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function isResult(file: FileNode, path: string): boolean {
  return file.isChanged || file.givenAs !== path
}

function freeName(taken: ReadonlyMap<string, unknown>, name: string): string {
  if (!taken.has(name)) return name
  let free = `work/${name}`
  while (taken.has(free)) free = `work/${free}`
  return free
}
