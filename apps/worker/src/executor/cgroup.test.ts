import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Cgroups } from './cgroup.ts'

const folder = mkdtempSync(join(tmpdir(), 'fog-cgroup-'))
const { cgroups, finding } = Cgroups.probe()

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('where there is none, it says why', () => {
  const self = join(folder, 'self')
  writeFileSync(self, '0::/here\n')
  const none = Cgroups.probe({ root: join(folder, 'nothing'), self })
  expect(none.cgroups).toBeUndefined()
  expect(none.finding).toEqual({ isUsed: false, why: expect.stringContaining('version 2 is not mounted') })
})

test('a tree without the controllers is not claimed to limit anything', () => {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'here'), { recursive: true })
  writeFileSync(join(root, 'here', 'cgroup.controllers'), 'cpuset cpu io\n')
  const self = join(folder, 'self-2')
  writeFileSync(self, '0::/here\n')
  const { finding: found } = Cgroups.probe({ root, self })
  expect(found).toEqual({ isUsed: false, why: expect.stringContaining('does not offer memory and pids') })
})

test.runIf(finding.isUsed)('the kernel ends what takes more memory than its group may have', async () => {
  const group = cgroups!.open()
  group.limitMemory(96 * 1024 * 1024)
  // It waits for a word, so that it is in the group before it takes anything.
  const hog = `process.stdin.once('data', () => { const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1)) })`
  const child = spawn(process.execPath, ['-e', hog], { stdio: ['pipe', 'ignore', 'ignore'] })
  group.add(child.pid!)
  child.stdin.write('go\n')
  const signal = await new Promise((resolve) => child.on('close', (_, how) => resolve(how)))
  expect(signal).toBe('SIGKILL')
  expect(group.oomKills).toBeGreaterThan(0)
  await group.remove()
})

test.runIf(finding.isUsed)('a limit on memory can be lowered and raised again', async () => {
  const group = cgroups!.open()
  for (const mebibytes of [96, 64, 128, 96, 256]) {
    expect(() => group.limitMemory(mebibytes * 1024 * 1024)).not.toThrow()
  }
  await group.remove()
})

test.runIf(finding.isUsed)('the number of processes in a group is limited', async () => {
  const group = cgroups!.open()
  const script = 'read go; for i in $(seq 1 200); do sleep 5 & done; wait'
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'pipe'], detached: true })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
  group.add(child.pid!)
  child.stdin.write('go\n')
  const ended = new Promise((resolve) => child.on('exit', resolve))
  await ended
  expect(words).toMatch(/fork/i)
  process.kill(-child.pid!, 'SIGKILL')
  await group.remove()
})
