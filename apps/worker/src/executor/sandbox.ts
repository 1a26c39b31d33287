import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cgroup, Cgroups } from './cgroup.ts'
import type { Finding } from './finding.ts'

/** How children are started on this device, found out once: what holds here, and why the rest does not. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** How far behind other processes, as `nice` counts: 0 to 19. */
  readonly nice: number
}

export interface Confinement {
  /** Whether each child sees nothing of this machine but Node and our code, and no network. */
  readonly bubblewrap: Finding
  /** Whether the kernel ends children with the worker. Elsewhere they notice the closed socket themselves. */
  readonly endsWithWorker: Finding
  /** Whether the kernel counts a child's processor time and ends it past a limit. */
  readonly cpuLimit: Finding
  /** Whether the kernel limits the memory of each child as a whole, and how many processes it may start. */
  readonly memoryLimit: Finding
}

/** The largest memory a WebAssembly program of any task may have here: a second fence behind the one in each module. */
export interface LaunchLimits {
  readonly memoryBytes: number
  /** Processor time of a child's whole life, in seconds. */
  readonly cpuSeconds: number
}

const PAGE_BYTES = 65_536
/** 4 GiB: what a 32-bit WebAssembly memory can have. */
const MOST_PAGES = 65_536
const CHILD = fileURLToPath(import.meta.url).replace(/sandbox\.(ts|mjs)$/, 'child.$1')
const PROBE_MS = 10_000
/** At the soft limit comes a signal that says why; at the hard one, a kill. */
const HARD_AFTER_SECONDS = 5

export interface SandboxOptions {
  /** Keeps compiled sources between starts. */
  readonly cacheFolder: string
  readonly bubblewrap: 'auto' | 'off'
  readonly nice: number
}

/** Builds the command line of a child from what works on this device. */
export class Sandbox {
  readonly confinement: Confinement
  readonly #mounts: readonly string[]
  readonly #options: SandboxOptions
  readonly #cgroups: Cgroups | undefined

  private constructor(
    confinement: Confinement,
    options: SandboxOptions,
    { mounts, cgroups }: { mounts: readonly string[]; cgroups: Cgroups | undefined },
  ) {
    this.confinement = confinement
    this.#cgroups = cgroups
    this.#mounts = mounts
    this.#options = options
  }

  /** Tries what there is. */
  static async probe(options: SandboxOptions): Promise<Sandbox> {
    const { bubblewrap, cacheFolder } = options
    mkdirSync(cacheFolder, { recursive: true, mode: 0o700 })
    const [endsWithWorker, cpuLimit] = await Promise.all([
      tried('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, '--version']),
      tried('prlimit', ['--cpu=60', '--core=0', '--', process.execPath, '--version']),
    ])
    const mounts = bubblewrap === 'off' ? [] : mountsOf(cacheFolder)
    const wrapped =
      bubblewrap === 'off'
        ? ({ isUsed: false, why: 'turned off by FOG_WORKER_BUBBLEWRAP' } as const)
        : await tried('bwrap', [...mounts, '--', process.execPath, '--version'])
    const { cgroups, finding: memoryLimit } = Cgroups.probe()
    return new Sandbox({ bubblewrap: wrapped, endsWithWorker, cpuLimit, memoryLimit }, options, { mounts, cgroups })
  }

  launch(limits: LaunchLimits): Launch {
    const { bubblewrap, endsWithWorker, cpuLimit } = this.confinement
    const env = { NODE_COMPILE_CACHE: this.#options.cacheFolder, UV_THREADPOOL_SIZE: '1', NODE_NO_WARNINGS: '1' }
    const words = [
      ...(endsWithWorker.isUsed ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []),
      ...(cpuLimit.isUsed
        ? ['prlimit', `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + HARD_AFTER_SECONDS}`, '--core=0', '--']
        : []),
      ...(bubblewrap.isUsed ? ['bwrap', ...this.#mounts, '--'] : []),
      process.execPath,
      ...nodeFlags(limits),
      CHILD,
    ]
    const [command, ...args] = words as [string, ...string[]]
    return { command, args, env, nice: this.#options.nice }
  }

  /** A group for one child, where the kernel gives one. */
  openCgroup(): Cgroup | undefined {
    return this.#cgroups?.open()
  }

  /** The same without bubblewrap, for the one run that fills the cache of compiled sources and runs no task. */
  launchBare(limits: LaunchLimits): Launch {
    const off = { isUsed: false, why: 'runs no task' } as const
    return new Sandbox({ ...this.confinement, bubblewrap: off }, this.#options, {
      mounts: [],
      cgroups: undefined,
    }).launch(limits)
  }
}

function nodeFlags({ memoryBytes }: LaunchLimits): string[] {
  const pages = Math.min(MOST_PAGES, Math.ceil(memoryBytes / PAGE_BYTES))
  return [
    // V8 never leaves its baseline tier in a loop that is running: without this, long loops take up to 3.3 x as long.
    '--no-liftoff',
    `--wasm-max-mem-pages=${pages}`,
    '--max-old-space-size=128',
    '--disallow-code-generation-from-strings',
    '--no-addons',
  ]
}

/** Read-only: Node, the libraries it is linked with, our sources. Nothing else of this machine is there. */
function mountsOf(cacheFolder: string): string[] {
  const libraries = linkedLibraries()
  const shown = [process.execPath, ...libraries, ...sourceFolders()]
  return [
    '--unshare-all',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    // First: what is shown may lie below it.
    '--tmpfs',
    '/tmp',
    ...shown.flatMap((path) => ['--ro-bind', path, path]),
    '--ro-bind',
    cacheFolder,
    cacheFolder,
    ...sourceLinks().flatMap(([target, path]) => ['--symlink', target, path]),
    '--chdir',
    '/',
    '--setenv',
    'LD_LIBRARY_PATH',
    [...new Set(libraries.map((path) => dirname(path)))].join(delimiter),
  ]
}

/** As the loader of this very Node found them. */
function linkedLibraries(): string[] {
  // Without this the names of all open connections would be looked up.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as unknown as { sharedObjects?: string[] }
  return (report.sharedObjects ?? []).filter(
    (path) => path.startsWith('/') && path !== process.execPath && !path.endsWith('.node') && existsSync(path),
  )
}

/** Packages that the child's code imports, by where they really lie. */
const PACKAGES = ['@fog/idle', '@fog/kernel']

function sourceFolders(): string[] {
  const own = dirname(CHILD)
  const manifest = join(own, '..', '..', 'package.json')
  const packages = packageRoots().flatMap(({ root }) => [join(root, 'package.json'), join(root, 'src')])
  return [own, manifest, ...packages].filter((path) => existsSync(path))
}

function sourceLinks(): [target: string, path: string][] {
  return packageRoots().map(({ name, root, modules }) => [root, join(modules, name)])
}

/** A bundled worker has no packages beside it, and needs none. */
function packageRoots(): { name: string; root: string; modules: string }[] {
  return PACKAGES.flatMap((name) => {
    try {
      const entry = fileURLToPath(import.meta.resolve(name))
      const root = dirname(dirname(entry))
      const modules = modulesFolder(name)
      return modules ? [{ name, root, modules }] : []
    } catch {
      return []
    }
  })
}

function modulesFolder(name: string): string | undefined {
  for (let folder = dirname(CHILD); folder !== dirname(folder); folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    if (existsSync(join(modules, name))) return modules
  }
  return undefined
}

/** Whether a command runs and ends well here; if not, its own words. */
function tried(command: string, args: readonly string[]): Promise<Finding> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
    })
    let words = ''
    child.stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-300)))
    child.on('error', (fault: NodeJS.ErrnoException) => {
      resolve({ isUsed: false, why: fault.code === 'ENOENT' ? `${command} is not installed` : fault.message })
    })
    child.on('close', (code) => {
      const why = words.trim().split('\n').at(-1) || `${command} ended with ${code}`
      resolve(code === 0 ? { isUsed: true } : { isUsed: false, why })
    })
  })
}
