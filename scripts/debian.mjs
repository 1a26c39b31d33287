import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { withLock } from './lock.mjs'
import { say, withProgress } from './progress.mjs'
import { runQuietly } from './run.mjs'
import { ROOT, giveUp } from './setup.mjs'

/** What some tests need and npm does not bring. `isThere` looks for the thing itself, however it came. */
const TOOLS = [
  {
    for: 'the console in a real browser',
    packages: ['chromium', 'fonts-dejavu-core'],
    isThere: () => existsSync('/usr/bin/chromium'),
  },
  {
    for: 'a PostgreSQL that is not our own',
    packages: ['postgresql'],
    isThere: () => versionsIn('/usr/lib/postgresql').some((path) => existsSync(join(path, 'bin', 'postgres'))),
  },
  {
    for: 'unpacking the console’s archives',
    packages: ['python3'],
    isThere: () => existsSync('/usr/bin/python3'),
  },
  {
    for: 'rebuilding the example programs',
    packages: ['clang', 'lld', 'wasi-libc', 'libclang-rt-dev-wasm32'],
    isThere: () => existsSync('/usr/bin/clang') && existsSync('/usr/bin/wasm-ld') && hasWasmLibraries(),
  },
]

const LOCK = join(ROOT, '.cache', 'debian.lock')
const LOCK_WAIT_MS = 15 * 60_000

/** Installs the tools that are missing on Debian or Ubuntu as root; elsewhere says what to install. Never throws for it. */
export async function ensureDebianTools() {
  const missing = TOOLS.filter((tool) => !tool.isThere())
  if (missing.length === 0) return
  const packages = missing.flatMap((tool) => tool.packages)
  if (!canInstall()) return explain(missing, packages)
  try {
    await withLock(LOCK, { waitMs: LOCK_WAIT_MS, onWait: sayWhoHoldsIt }, () => install(packages))
  } catch (error) {
    say(error.message)
    explain(missing, packages)
  }
}

function sayWhoHoldsIt(holder) {
  say(`Process ${holder ?? 'unknown'} is installing Debian packages. Waiting for it.`)
}

async function install(packages) {
  await keepPostgresStill()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' }
  await withProgress(`Installing ${packages.join(', ')}`, async () => {
    await runQuietly('apt-get', ['update', '-qq'], { env })
    const options = ['-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold']
    await runQuietly('apt-get', ['install', ...options, ...packages], { env })
  })
}

// Debian starts a database server of its own as soon as its package arrives. Tests bring theirs up in a private folder.
async function keepPostgresStill() {
  const file = '/etc/postgresql-common/createcluster.conf'
  if (existsSync(file)) return
  await mkdir('/etc/postgresql-common', { recursive: true })
  await writeFile(file, 'create_main_cluster = false\n')
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

function explain(missing, packages) {
  say(`Not installed here: ${missing.map((tool) => `${tool.packages[0]} (${tool.for})`).join(', ')}.`)
  if (existsSync('/etc/debian_version')) say(`  sudo apt-get install --no-install-recommends ${packages.join(' ')}`)
  else say('  Install them with your system’s package tool. Tests that need them fail or are skipped until then.')
}

function versionsIn(folder) {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

function hasWasmLibraries() {
  const runtimes = versionsIn('/usr/lib').filter((path) => /llvm-\d+$/.test(path))
  const builtins = runtimes.flatMap((path) => versionsIn(join(path, 'lib', 'clang')))
  return existsSync('/usr/include/wasm32-wasi') && builtins.some((path) => existsSync(join(path, 'lib', 'wasi')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await ensureDebianTools().catch(giveUp)
