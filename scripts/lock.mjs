import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Runs `work` while this process alone holds the folder `lock`, and gives its answer.
 * The folder holds one empty file, named after the holder's process id, so a holder that died can be replaced.
 */
export async function withLock(lock, { waitMs, onWait }, work) {
  await take(lock, { waitMs, onWait })
  try {
    return await work()
  } finally {
    await free(lock)
  }
}

async function take(lock, { waitMs, onWait }) {
  const deadline = Date.now() + waitMs
  for (let told = false; !(await tryTake(lock)); told = true) {
    const holder = await holderOf(lock)
    if (holder !== undefined && !isAlive(holder) && (await inherit(lock, holder))) return
    if (Date.now() > deadline)
      throw new Error(`${lock} is still held by process ${holder}. Remove it if that is wrong.`)
    if (!told) onWait(holder)
    await wait(200)
  }
}

// Renaming a folder that already names its holder is atomic: the lock is never seen without one.
async function tryTake(lock) {
  const mine = `${lock}.${process.pid}`
  await mkdir(dirname(lock), { recursive: true })
  await rm(mine, { recursive: true, force: true })
  await mkdir(mine)
  await writeFile(join(mine, String(process.pid)), '')
  try {
    await rename(mine, lock)
    return true
  } catch (error) {
    await rm(mine, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(error.code)) return false
    throw error
  }
}

async function holderOf(lock) {
  const [name] = await readdir(lock).catch(() => [])
  return name === undefined ? undefined : Number(name)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// Of several that see the same dead holder, only one can rename its file.
async function inherit(lock, dead) {
  return rename(join(lock, String(dead)), join(lock, String(process.pid))).then(
    () => true,
    () => false,
  )
}

async function free(lock) {
  await rm(join(lock, String(process.pid)), { force: true })
  await rmdir(lock).catch(() => undefined)
}
