import { join } from 'node:path'
import { objectIn, readIfThere } from '../files.ts'

/** The key of the fog of this machine, which its control plane wrote; undefined where none was started. */
export async function readLocalFog(dataDir: string): Promise<{ url: string; token: string } | undefined> {
  const text = await readIfThere(join(dataDir, 'local.json')).catch(() => undefined)
  const { url, token } = objectIn(text ?? '')
  return typeof url === 'string' && typeof token === 'string' ? { url, token } : undefined
}
