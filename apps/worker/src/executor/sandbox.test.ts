import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Sandbox } from './sandbox.ts'

const folder = mkdtempSync(join(tmpdir(), 'fog-sandbox-'))
const cacheFolder = join(folder, 'cache')
const limits = { memoryBytes: 64 * 1024 * 1024, cpuSeconds: 2 }
const sandbox = await Sandbox.probe({ cacheFolder, bubblewrap: 'auto', nice: 0 })
const isWrapped = sandbox.confinement.bubblewrap.isUsed

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a script where a child would run. */
function inside(script: string): Promise<{ code: number | null; signal: string | null; printed: string }> {
  const { command, args, env } = sandbox.launch(limits)
  const child = spawn(command, [...args.slice(0, -1), '-e', script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, printed })))
}

test.runIf(isWrapped)('nothing of the machine is there but Node and our code, and that cannot be changed', async () => {
  const look = `
    const fs = require('node:fs')
    const tries = { passwd: '/etc/passwd', proc: '/proc/1/environ', home: ${JSON.stringify(process.cwd())}, data: ${JSON.stringify(folder)} }
    const found = Object.entries(tries).filter(([, path]) => { try { fs.statSync(path).isFile() ? fs.readFileSync(path) : fs.readdirSync(path).includes('package.json') || fs.readdirSync(path).includes('spool.db') ? 1 : fs.fail(); return true } catch { return false } })
    const writes = [process.execPath, ${JSON.stringify(new URL('thread.ts', import.meta.url).pathname)}].filter((path) => { try { fs.appendFileSync(path, ''); return true } catch { return false } })
    console.log(JSON.stringify({ found: found.map(([name]) => name), writes }))`
  expect(JSON.parse((await inside(look)).printed)).toEqual({ found: [], writes: [] })
})

test.runIf(isWrapped)('there is no network, not even this machine', async () => {
  const script = `
    const net = require('node:net')
    const os = require('node:os')
    const names = Object.keys(os.networkInterfaces()).filter((name) => name !== 'lo')
    const socket = net.connect({ host: '10.0.0.1', port: 80 })
    socket.on('connect', () => console.log('connected')).on('error', (fault) => console.log(fault.code, names.length))`
  expect((await inside(script)).printed.trim()).toBe('ENETUNREACH 0')
})

test.runIf(isWrapped)('other processes cannot be seen or signalled', async () => {
  const script = `try { process.kill(${process.pid}, 0); console.log('seen') } catch (fault) { console.log(fault.code) }`
  expect((await inside(script)).printed.trim()).toBe('ESRCH')
})

test.runIf(sandbox.confinement.cpuLimit.isUsed)(
  'the kernel ends a child that has used its processor time',
  async () => {
    const { code, signal } = await inside('for (;;);')
    // A wrapper passes a signal on as 128 and its number.
    expect(signal === 'SIGXCPU' || code === 128 + 24).toBe(true)
  },
)

test('a memory larger than any task may have is refused by the engine itself', async () => {
  const script = `try { new WebAssembly.Memory({ initial: 1, maximum: 65536 }).grow(1024); console.log('grown') } catch { console.log('refused') }`
  expect((await inside(script)).printed.trim()).toBe('refused')
})

test('turned off, it says so and starts children all the same', async () => {
  const bare = await Sandbox.probe({ cacheFolder, bubblewrap: 'off', nice: 0 })
  expect(bare.confinement.bubblewrap).toEqual({ isUsed: false, why: 'turned off by FOG_WORKER_BUBBLEWRAP' })
  expect(bare.launch(limits).args).not.toContain('--unshare-all')
})
