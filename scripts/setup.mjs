import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { withLock } from './lock.mjs'
import { say, withProgress } from './progress.mjs'
import { runQuietly } from './run.mjs'

/** Makes a fresh clone ready. Runs on any Node from 18, before node_modules exists, so it imports nothing from it. */

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const STAMP = join(ROOT, 'node_modules', '.fog-install')
const CONSOLE = join(ROOT, 'apps', 'console')
const CONSOLE_DIST = join(CONSOLE, 'dist')
const CONSOLE_STAMP = join(CONSOLE_DIST, '.fog-build')
const NODE_MAJOR = 24
/** A slow line needs minutes for the 800 MB of packages; longer than this, something hangs. */
const LOCK_WAIT_MS = 20 * 60_000

/** Something only the person at the machine can mend. The message says what. */
export class SetupError extends Error {}

/** Makes node_modules match package-lock.json. */
export async function ensureInstalled() {
  await locked(installIfChanged)
}

/** Makes apps/console/dist match the console's sources. Needs `ensureInstalled` first. */
export async function ensureConsoleBuilt() {
  await locked(buildConsoleIfChanged)
}

/** The Node that runs Fog: the one npm brought, else the running one if it is new enough. */
export function fogNode() {
  const bundled = bundledNodePath()
  if (existsSync(bundled)) return bundled
  if (isNewEnough(process.version)) return process.execPath
  throw new SetupError(needsNode())
}

/** The environment for everything Fog starts: tools of node_modules first, compiled code kept between starts. */
export function fogEnv() {
  const separator = process.platform === 'win32' ? ';' : ':'
  const bin = join(ROOT, 'node_modules', '.bin')
  const path = [bin, dirname(fogNode()), process.env.PATH].filter(Boolean).join(separator)
  return { ...process.env, PATH: path, NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compile') }
}

/** Prints what stopped a script and ends it. */
export function giveUp(error) {
  say(`\n${error instanceof SetupError || error.tail !== undefined ? error.message : error.stack}`)
  process.exit(1)
}

function locked(work) {
  return withLock(join(ROOT, '.cache', 'setup.lock'), { waitMs: LOCK_WAIT_MS, onWait: sayWhoHoldsIt }, work)
}

function sayWhoHoldsIt(holder) {
  say(`Another start (process ${holder ?? 'unknown'}) is setting Fog up. Waiting for it.`)
}

async function installIfChanged() {
  const wanted = await installHash()
  if ((await read(STAMP)) === wanted) return
  if (!(await isInstalled())) {
    checkPlatform()
    await withProgress('Installing packages', () => npm('ci', '--include=dev', '--include=optional'))
    checkBundledNode()
  }
  await writeFile(STAMP, wanted)
}

async function installHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const file of ['package.json', 'package-lock.json']) hash.update(await readFile(join(ROOT, file)))
  return hash.digest('hex')
}

// A person who ran `npm install` need not wait for a second one: npm keeps a list of what it put there.
async function isInstalled() {
  const lock = await read(join(ROOT, 'package-lock.json'))
  const installed = await read(join(ROOT, 'node_modules', '.package-lock.json'))
  if (lock === undefined || installed === undefined) return false
  if (!existsSync(bundledNodePath()) && hasBundledNode()) return false
  return installedMatches(JSON.parse(lock).packages, JSON.parse(installed).packages)
}

/** Whether npm's list of installed packages is what the lockfile asks for; packages of other platforms may be absent. */
export function installedMatches(wanted, installed) {
  const same = (name) => wanted[name]?.version === installed[name]?.version
  const needed = Object.keys(wanted).filter((name) => name !== '' && !isOptional(wanted[name]))
  return needed.every((name) => name in installed && same(name)) && Object.keys(installed).every(same)
}

function isOptional(entry) {
  return entry.optional === true || entry.devOptional === true
}

function checkPlatform() {
  if (hasBundledNode() || isNewEnough(process.version)) return
  throw new SetupError(needsNode())
}

// The bundled Node is linked against glibc: on other systems it is there but does not start.
function checkBundledNode() {
  if (!existsSync(bundledNodePath())) return
  const { status } = spawnSync(bundledNodePath(), ['--version'], { stdio: 'ignore' })
  if (status !== 0) throw new SetupError(`The Node that npm brought does not start here. ${needsNode()}`)
}

function hasBundledNode() {
  return ['linux-x64', 'linux-arm64', 'win32-x64'].includes(`${process.platform}-${process.arch}`)
}

function bundledNodePath() {
  const os = process.platform === 'win32' ? 'win' : process.platform
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  return join(ROOT, 'node_modules', `node-${os}-${process.arch}`, 'bin', binary)
}

function isNewEnough(version) {
  return Number(version.slice(1).split('.')[0]) >= NODE_MAJOR
}

function needsNode() {
  return (
    `Fog needs Node ${NODE_MAJOR} or newer, and this is ${process.version} on ${process.platform} ${process.arch}. ` +
    'On Linux (glibc) and Windows npm brings its own; here, install it from https://nodejs.org and start again.'
  )
}

async function buildConsoleIfChanged() {
  const wanted = await consoleHash()
  if ((await read(CONSOLE_STAMP)) === wanted) return
  await withProgress('Building the console', buildConsole)
  await writeFile(CONSOLE_STAMP, wanted)
}

// Built aside, then put in place at once: another fog of this folder may be serving the one before.
async function buildConsole() {
  const fresh = join(ROOT, '.cache', 'console')
  const former = join(ROOT, '.cache', 'console-before')
  await npm('run', 'build', '-w', 'apps/console', '--', '--outDir', fresh, '--emptyOutDir')
  await rm(former, { recursive: true, force: true })
  await rename(CONSOLE_DIST, former).catch(() => undefined)
  await rename(fresh, CONSOLE_DIST)
}

async function consoleHash() {
  const hash = createHash('sha256').update(await readFile(join(ROOT, 'package-lock.json')))
  for (const folder of await withOwnDependencies(CONSOLE)) {
    for (const file of await sourcesOf(folder)) hash.update(`${relative(ROOT, file)}\n`).update(await readFile(file))
  }
  return hash.digest('hex')
}

/** The folder and those of the workspace packages it depends on, directly or not. */
async function withOwnDependencies(folder, seen = new Set()) {
  seen.add(folder)
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const own = Object.keys(dependencies).filter((name) => name.startsWith('@fog/'))
  for (const name of own) {
    const next = join(ROOT, 'packages', name.slice('@fog/'.length))
    if (!seen.has(next)) await withOwnDependencies(next, seen)
  }
  return [...seen]
}

async function sourcesOf(folder) {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !['dist', 'node_modules'].includes(entry.name)) files.push(...(await sourcesOf(path)))
    if (entry.isFile() && !/\.(test\.tsx?|md)$/.test(entry.name)) files.push(path)
  }
  return files
}

// npm tells its scripts where it lies; started in another way, it is looked up on the PATH.
async function npm(...args) {
  const cli = process.env.npm_execpath
  const options = { cwd: ROOT, env: { ...process.env, NODE_ENV: '', NO_COLOR: '1' } }
  if (cli?.endsWith('.js')) return runQuietly(process.execPath, [cli, ...args], options)
  const found = spawnSync('npm', ['--version'], { shell: process.platform === 'win32', stdio: 'ignore' })
  if (found.status !== 0) throw new SetupError('npm was not found. It comes with Node: https://nodejs.org')
  return runQuietly('npm', args, { ...options, shell: process.platform === 'win32' })
}

function read(file) {
  return readFile(file, 'utf8').catch(() => undefined)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await ensureInstalled().catch(giveUp)
