import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** The scripts run before there are packages or types, so they are tried as they are used: as processes. */
const SCRIPTS = join(import.meta.dirname, '..', 'scripts')
const NO_SUCH_PROCESS = '4194305'

let folder: string
let runs = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fog-scripts-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly output: string
}

function run(code: string): Promise<Ended> {
  const file = join(folder, `run-${runs++}.mjs`)
  writeFileSync(
    file,
    code.replaceAll(/from '\.\/(.*?)'/g, (_, name: string) => `from '${pathToFileURL(join(SCRIPTS, name)).href}'`),
  )
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

// Creating a file that must not exist fails as soon as two hold the lock together.
function holdLock(waitMs: number): string {
  return `
    import { unlinkSync, writeFileSync } from 'node:fs'
    import { withLock } from './lock.mjs'
    await withLock('${folder}/lock', { waitMs: ${waitMs}, onWait: () => {} }, async () => {
      writeFileSync('${folder}/held', '', { flag: 'wx' })
      await new Promise((resolve) => setImmediate(resolve))
      unlinkSync('${folder}/held')
    })`
}

describe('the lock of the set-up', () => {
  test('is held by one process at a time, even when its last holder died', async () => {
    mkdirSync(join(folder, 'lock'))
    writeFileSync(join(folder, 'lock', NO_SUCH_PROCESS), '')
    const ends = await Promise.all([1, 2, 3, 4].map(() => run(holdLock(20_000))))
    expect(ends).toEqual(ends.map(() => ({ code: 0, output: '' })))
    expect(existsSync(join(folder, 'lock'))).toBe(false)
  })

  test('gives up after its time and says which folder is in the way', async () => {
    mkdirSync(join(folder, 'lock'))
    writeFileSync(join(folder, 'lock', String(process.pid)), '')
    const { code, output } = await run(holdLock(100))
    expect(code).toBe(1)
    expect(output).toContain(`${folder}/lock is still held by process ${process.pid}`)
  })
})

async function matches(needed: object, installed: object): Promise<string> {
  const code = `import { installedMatches } from './setup.mjs'
    console.log(installedMatches(${JSON.stringify(needed)}, ${JSON.stringify(installed)}))`
  return (await run(code)).output.trim()
}

describe('what is installed', () => {
  const wanted = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/mac': { version: '1.0.0', optional: true },
  }

  test('may lack what other platforms need', async () => {
    expect(await matches(wanted, { 'node_modules/a': { version: '1.0.0' } })).toBe('true')
  })

  test.each([
    ['lacks a package', {}],
    ['has another version', { 'node_modules/a': { version: '1.0.1' } }],
    ['has a package too many', { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } }],
  ])('is installed again when it %s', async (_, installed) => {
    expect(await matches(wanted, installed)).toBe('false')
  })
})

function foreground(code: string): string {
  return `import { runInForeground } from './run.mjs'
    process.exitCode = await runInForeground(['-e', ${JSON.stringify(code)}], { node: process.execPath })`
}

describe('a command in the foreground', () => {
  test('passes its exit code on', async () => {
    expect(await run(foreground('process.exit(7)'))).toMatchObject({ code: 7 })
  })

  test('that a signal ended has a code of its own', async () => {
    expect(await run(foreground('process.kill(process.pid, "SIGKILL")'))).toMatchObject({ code: 137 })
  })

  test('gets the signals sent to the one who started it', async () => {
    const code =
      'process.on("SIGTERM", () => process.exit(5)); setInterval(() => {}, 1000); process.kill(process.ppid, "SIGTERM")'
    expect(await run(foreground(code))).toMatchObject({ code: 5 })
  })

  test('is told when the one who started it was killed', async () => {
    const told = join(folder, 'told')
    const code = `process.on('disconnect', () => require('fs').writeFileSync(${JSON.stringify(told)}, ''));
      process.kill(process.ppid, 'SIGKILL')`
    expect(await run(foreground(code))).toMatchObject({ code: null })
    expect(existsSync(told)).toBe(true)
  })

  test('run quietly shows its last lines when it fails', async () => {
    const { code, output } = await run(`import { runQuietly } from './run.mjs'
      await runQuietly(process.execPath, ['-e', 'console.log("why it failed"); process.exit(3)'], {})`)
    expect(code).toBe(1)
    expect(output).toContain('failed (3)')
    expect(output).toContain('why it failed')
  })
})

test('npm test names its steps when asked for one that does not exist', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(SCRIPTS, 'test.mjs'), 'unti'], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toContain('There is no step "unti". The steps are console, types, lint, format, unit, e2e, browser.')
})
