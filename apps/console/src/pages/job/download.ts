import type { Client, TaskResultView } from '@fog/contract'
import { given } from '../../given.ts'
import { crc32, safePath, zip, type ZipEntry } from './zip.ts'

const PAGE = 1000

export interface DownloadProgress {
  readonly files: number
  readonly bytes: number
}

/** All outputs of a job as one archive, a folder for each task. Reports how far it is; stops at the signal. */
export async function archiveOf(
  client: Client,
  jobId: string,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const entries: ZipEntry[] = []
  let bytes = 0
  for await (const result of resultsOf(client, jobId, signal)) {
    for (const file of filesOf(result)) {
      const content = await (await client.raw('getBlob', { params: { digest: file.digest }, signal })).arrayBuffer()
      entries.push({ name: file.name, content: new Blob([content]), crc32: crc32(new Uint8Array(content)) })
      bytes += content.byteLength
      onProgress({ files: entries.length, bytes })
    }
  }
  return zip(entries)
}

async function* resultsOf(client: Client, jobId: string, signal: AbortSignal): AsyncGenerator<TaskResultView> {
  for (let after: string | undefined; ;) {
    const page = await client.call('listResults', {
      params: { jobId },
      query: { limit: PAGE, ...given({ after }) },
      signal,
    })
    yield* page.items
    after = page.next
    if (after === undefined) return
  }
}

/** A task's files in the archive: its outputs, and what it printed if it printed anything. Pure. */
export function filesOf({
  index,
  stdout,
  stderr,
  outputs,
}: TaskResultView): { readonly name: string; readonly digest: string }[] {
  const folder = String(index).padStart(5, '0')
  const printed = [
    { path: 'stdout.txt', ...stdout },
    { path: 'stderr.txt', ...stderr },
  ].filter(({ size }) => size > 0)
  return [...outputs, ...printed].map(({ path, digest }) => ({ name: `${folder}/${safePath(path)}`, digest }))
}
