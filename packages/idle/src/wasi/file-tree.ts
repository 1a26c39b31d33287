import { ERRNO, refuse } from './errno.ts'
import { FileBytes } from './file-bytes.ts'
import type { Quota } from './quota.ts'

interface NodeFacts {
  readonly inode: number
  /** Given to the task and not to be changed by it. */
  readonly isReadOnly: boolean
  links: number
  accessedNs: bigint
  modifiedNs: bigint
  changedNs: bigint
}

export interface FileNode extends NodeFacts {
  readonly kind: 'file'
  readonly content: FileBytes
  /** Where it lay at the start, if the task did not make it. */
  readonly givenAs: string | undefined
  isChanged: boolean
  /** Descriptors that have it open: bytes are given back when neither these nor links are left. */
  opens: number
}

export interface DirectoryNode extends NodeFacts {
  readonly kind: 'directory'
  readonly entries: Map<string, TreeNode>
  /** Itself at the top, so that `..` stays inside. Undefined when it was removed. */
  parent: DirectoryNode | undefined
}

export interface LinkNode extends NodeFacts {
  readonly kind: 'link'
  readonly target: string
}

export type TreeNode = FileNode | DirectoryNode | LinkNode

/** Where a path leads: to a node, or to a free name in a folder. An empty name stands for the folder itself. */
export interface Place {
  readonly parent: DirectoryNode
  readonly name: string
  readonly node: TreeNode | undefined
  /** It was written with a slash at its end. */
  readonly mustBeDirectory: boolean
}

/** Folders beside the working folder, which is the top of the tree. */
export const MOUNTS = ['in', 'out', 'state', 'tmp'] as const
export type Mount = (typeof MOUNTS)[number]

/** As Linux has them. */
const LONGEST_PATH = 4096
const LONGEST_NAME_BYTES = 255
const MOST_LINKS_FOLLOWED = 40
/** Folders within folders. Relative to a folder that is open, a program could otherwise go down without end. */
const DEEPEST = 128

const encoder = new TextEncoder()

export interface FileTreeDependencies {
  readonly quota: Quota
  /** Time as the program sees it, for stamps. */
  readonly nowNs: () => bigint
}

/**
 * The files a task sees, all in memory. The working folder is the top; `in`, `out`, `state`, `tmp` and `work` (itself)
 * can be reached from it and are not listed. Nothing lies above the top, so no path leads out.
 */
export class FileTree {
  readonly top: DirectoryNode
  readonly #mounts = new Map<string, DirectoryNode>()
  readonly #quota: Quota
  readonly #nowNs: () => bigint
  #lastInode = 0

  constructor({ quota, nowNs }: FileTreeDependencies) {
    this.#quota = quota
    this.#nowNs = nowNs
    this.top = this.#directory(undefined, false)
    this.top.parent = this.top
    for (const name of MOUNTS) this.#mounts.set(name, this.#directory(this.top, name === 'in'))
    this.#mounts.set('work', this.top)
  }

  mount(name: Mount): DirectoryNode {
    return this.#mounts.get(name)!
  }

  /** Lays a file down before the task starts, at no cost but in `/state`. Folders on the way are made; `..` stays inside, as for the task. */
  give(path: string, bytes: Uint8Array): void {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    const name = parts.pop()
    if (name === undefined || name === '..') return refuse(ERRNO.inval)
    let folder = this.top
    for (const part of parts) folder = part === '..' ? folder.parent! : this.#giveFolder(folder, part)
    checkName(name)
    if (this.lookUp(folder, name)) refuse(ERRNO.exist)
    if (isInside(folder, this.mount('state'))) this.#countState(bytes)
    folder.entries.set(name, this.#file(new FileBytes(bytes), folder.isReadOnly, this.pathOf(folder, name)))
  }

  /** The task's own work of an earlier attempt counts as if it had just written it. */
  #countState(bytes: Uint8Array): void {
    this.#quota.takeFile()
    this.#quota.takeBytes(bytes.length)
  }

  lookUp(folder: DirectoryNode, name: string): TreeNode | undefined {
    return (folder === this.top ? this.#mounts.get(name) : undefined) ?? folder.entries.get(name)
  }

  /**
   * Follows a path from a folder. Links on the way are followed inside the tree, the last part only when asked
   * (`follow`) or when a slash stands at the end.
   */
  resolve(from: DirectoryNode, path: string, last: 'follow' | 'keep'): Place {
    if (path === '') refuse(ERRNO.noent)
    if (path.length > LONGEST_PATH) refuse(ERRNO.nametoolong)
    const mustBeDirectory = path.endsWith('/')
    const rest = partsOf(path)
    let folder = path.startsWith('/') ? this.top : from
    let linksFollowed = 0
    while (rest.length > 0) {
      const name = rest.pop()!
      if (name === '.') continue
      if (name === '..') {
        folder = folder.parent ?? refuse(ERRNO.noent)
        continue
      }
      checkName(name)
      const node = this.lookUp(folder, name)
      const isLast = rest.length === 0
      if (node?.kind === 'link' && (!isLast || last === 'follow' || mustBeDirectory)) {
        if (++linksFollowed > MOST_LINKS_FOLLOWED) refuse(ERRNO.loop)
        if (node.target.startsWith('/')) folder = this.top
        rest.push(...partsOf(node.target))
        continue
      }
      if (isLast) return { parent: folder, name, node, mustBeDirectory }
      if (!node) return refuse(ERRNO.noent)
      if (node.kind !== 'directory') return refuse(ERRNO.notdir)
      folder = node
    }
    return { parent: folder, name: '', node: folder, mustBeDirectory }
  }

  createFile(place: Place): FileNode {
    this.#checkFree(place)
    if (place.mustBeDirectory) refuse(ERRNO.isdir)
    this.#quota.takeFile()
    return this.#enter(place, this.#file(new FileBytes(), false, undefined))
  }

  createDirectory(place: Place): DirectoryNode {
    this.#checkFree(place)
    if (depthOf(place.parent) >= DEEPEST) refuse(ERRNO.nametoolong)
    this.#quota.takeFile()
    return this.#enter(place, this.#directory(place.parent, false))
  }

  createLink(place: Place, target: string): LinkNode {
    this.#checkFree(place)
    if (target === '') refuse(ERRNO.noent)
    if (target.length > LONGEST_PATH) refuse(ERRNO.nametoolong)
    if (place.mustBeDirectory) refuse(ERRNO.noent)
    this.#quota.takeFile()
    return this.#enter(place, { kind: 'link', target, ...this.#facts(false) })
  }

  /** A second name for the same file. */
  link(node: TreeNode, place: Place): void {
    if (node.kind === 'directory') refuse(ERRNO.perm)
    if (node.isReadOnly) refuse(ERRNO.rofs)
    this.#checkFree(place)
    if (place.mustBeDirectory) refuse(ERRNO.noent)
    this.#quota.takeFile()
    this.#enter(place, node)
    node.links++
  }

  unlink({ parent, name, node, mustBeDirectory }: Place): void {
    if (!node) return refuse(ERRNO.noent)
    if (node.kind === 'directory') return refuse(ERRNO.isdir)
    if (mustBeDirectory) return refuse(ERRNO.notdir)
    this.#checkWritable(parent)
    parent.entries.delete(name)
    this.#touch(parent)
    this.#drop(node)
  }

  removeDirectory({ parent, name, node }: Place): void {
    if (!node) return refuse(ERRNO.noent)
    if (node.kind !== 'directory') return refuse(ERRNO.notdir)
    this.#checkMovable(node)
    if (name === '') return refuse(ERRNO.inval)
    this.#checkWritable(parent)
    if (node.entries.size > 0) return refuse(ERRNO.notempty)
    parent.entries.delete(name)
    this.#touch(parent)
    this.#drop(node)
  }

  /** As POSIX `rename`: whatever had the new name is replaced, a folder only when it is empty. */
  rename(from: Place, to: Place): void {
    const { node } = from
    if (!node) return refuse(ERRNO.noent)
    if (from.name === '' || to.name === '') return refuse(ERRNO.inval)
    this.#checkMovable(node)
    this.#checkWritable(from.parent)
    this.#checkWritable(to.parent)
    if (node.kind !== 'directory' && (from.mustBeDirectory || to.mustBeDirectory)) return refuse(ERRNO.notdir)
    if (node.kind === 'directory') {
      if (isInside(to.parent, node)) return refuse(ERRNO.inval)
      if (depthOf(to.parent) + heightOf(node) > DEEPEST) return refuse(ERRNO.nametoolong)
    }
    if (to.node === node) return
    if (to.node) this.#replace(to.node, node)
    from.parent.entries.delete(from.name)
    to.parent.entries.set(to.name, node)
    if (node.kind === 'directory') node.parent = to.parent
    node.changedNs = this.#touch(from.parent)
    this.#touch(to.parent)
  }

  write(file: FileNode, at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (!Number.isSafeInteger(at + bytes.length)) refuse(ERRNO.fbig)
    this.#quota.takeBytes(Math.max(0, at + bytes.length - file.content.size))
    file.content.write(at, bytes)
    this.#change(file)
  }

  resize(file: FileNode, size: number): void {
    if (file.isReadOnly) refuse(ERRNO.rofs)
    if (!Number.isSafeInteger(size) || size < 0) refuse(ERRNO.fbig)
    this.#quota.takeBytes(size - file.content.size)
    file.content.resize(size)
    this.#change(file)
  }

  open(file: FileNode): void {
    file.opens++
  }

  close(file: FileNode): void {
    file.opens--
    this.#freeIfGone(file)
  }

  /** Every file under a folder with its path from there, sorted; links are not followed. */
  *filesUnder(folder: DirectoryNode, prefix = ''): Generator<readonly [path: string, file: FileNode]> {
    for (const [name, node] of sortedEntries(folder)) {
      if (node.kind === 'file') yield [prefix + name, node]
      if (node.kind === 'directory') yield* this.filesUnder(node, `${prefix}${name}/`)
    }
  }

  /** The path of a name in a folder, from the top. */
  pathOf(folder: DirectoryNode, name: string): string {
    let path = name
    for (let at = folder; at !== this.top; at = at.parent!) {
      if (!at.parent) return path
      path = `${this.#nameIn(at.parent, at)}/${path}`
    }
    return path
  }

  #nameIn(parent: DirectoryNode, child: DirectoryNode): string {
    const named = parent === this.top ? [...this.#mounts, ...parent.entries] : [...parent.entries]
    return named.find(([, node]) => node === child)?.[0] ?? ''
  }

  #giveFolder(folder: DirectoryNode, name: string): DirectoryNode {
    checkName(name)
    const there = this.lookUp(folder, name)
    if (there?.kind === 'directory') return there
    if (there) refuse(ERRNO.notdir)
    const made = this.#directory(folder, folder.isReadOnly)
    folder.entries.set(name, made)
    folder.links++
    return made
  }

  #replace(old: TreeNode, by: TreeNode): void {
    if (old.kind === 'directory') {
      if (by.kind !== 'directory') refuse(ERRNO.isdir)
      this.#checkMovable(old)
      if (old.entries.size > 0) refuse(ERRNO.notempty)
    } else if (by.kind === 'directory') refuse(ERRNO.notdir)
    this.#drop(old)
  }

  /** One name less. */
  #drop(node: TreeNode): void {
    this.#quota.giveFileBack()
    node.links--
    if (node.kind === 'directory') node.parent = undefined
    if (node.kind === 'file') this.#freeIfGone(node)
  }

  #freeIfGone(file: FileNode): void {
    if (file.links > 0 || file.opens > 0) return
    this.#quota.takeBytes(-file.content.size)
    file.content.resize(0)
  }

  #checkFree({ parent, name, node }: Place): void {
    if (node || name === '') refuse(ERRNO.exist)
    this.#checkWritable(parent)
  }

  #checkWritable(folder: DirectoryNode): void {
    if (folder.isReadOnly) refuse(ERRNO.rofs)
    if (!folder.parent) refuse(ERRNO.noent)
  }

  /** The folders a task starts with stay where they are. */
  #checkMovable(node: TreeNode): void {
    for (const mount of this.#mounts.values()) if (mount === node) refuse(ERRNO.busy)
  }

  #enter<Node extends TreeNode>({ parent, name }: Place, node: Node): Node {
    parent.entries.set(name, node)
    this.#touch(parent)
    return node
  }

  #change(file: FileNode): void {
    file.isChanged = true
    file.modifiedNs = file.changedNs = this.#nowNs()
  }

  #touch(folder: DirectoryNode): bigint {
    folder.modifiedNs = folder.changedNs = this.#nowNs()
    return folder.changedNs
  }

  #file(content: FileBytes, isReadOnly: boolean, givenAs: string | undefined): FileNode {
    return { kind: 'file', content, givenAs, isChanged: false, opens: 0, ...this.#facts(isReadOnly) }
  }

  #directory(parent: DirectoryNode | undefined, isReadOnly: boolean): DirectoryNode {
    return { kind: 'directory', entries: new Map(), parent, ...this.#facts(isReadOnly) }
  }

  #facts(isReadOnly: boolean): NodeFacts {
    const now = this.#nowNs()
    return { inode: ++this.#lastInode, isReadOnly, links: 1, accessedNs: now, modifiedNs: now, changedNs: now }
  }
}

/** By UTF-16 code units, as everything sorted in the platform. */
export function sortedEntries(folder: DirectoryNode): (readonly [string, TreeNode])[] {
  return [...folder.entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The parts of a path, the first one at the end. */
function partsOf(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reverse()
}

export function isInside(folder: DirectoryNode, outer: DirectoryNode): boolean {
  for (let at: DirectoryNode | undefined = folder; at; at = at.parent === at ? undefined : at.parent) {
    if (at === outer) return true
  }
  return false
}

function depthOf(folder: DirectoryNode): number {
  let depth = 0
  for (let at = folder; at.parent && at.parent !== at; at = at.parent) depth++
  return depth
}

/** Of a folder and what is in it; no more than `DEEPEST`, so that it may call itself. */
function heightOf(folder: DirectoryNode): number {
  let height = 0
  for (const node of folder.entries.values()) if (node.kind === 'directory') height = Math.max(height, heightOf(node))
  return height + 1
}

function checkName(name: string): void {
  if (name.length * 3 > LONGEST_NAME_BYTES && encoder.encode(name).length > LONGEST_NAME_BYTES)
    refuse(ERRNO.nametoolong)
}
