import type { Chosen } from './shelf.ts'
import { MOST_FILES } from './shelf.ts'

/** Everything that was dropped, folders with all they hold. */
export async function droppedFiles(items: DataTransferItemList): Promise<Chosen[]> {
  // Taken before the first wait: the list is empty afterwards.
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const chosen: Chosen[] = []
  for (const entry of entries) await collect(entry, '', chosen)
  return chosen
}

/** What a file field gives: a chosen folder's files know their way. */
export function pickedFiles(files: FileList | null): Chosen[] {
  return [...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
}

async function collect(entry: FileSystemEntry, folder: string, chosen: Chosen[]): Promise<void> {
  if (chosen.length >= MOST_FILES) return
  const path = folder + entry.name
  if (isFile(entry))
    chosen.push({ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) })
  else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await collect(child, `${path}/`, chosen)
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

// A reader gives a folder in portions, and nothing when it is through.
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return all
    all.push(...portion)
  }
}
