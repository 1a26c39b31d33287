import type { WasiContext } from './context.ts'
import { type Descriptor, openDirectory, openFile, type Rights } from './descriptors.ts'
import { ERRNO, refuse } from './errno.ts'
import { setTimes, writeFilestat } from './file-calls.ts'
import type { FileNode, Place } from './file-tree.ts'
import { LOOKUP_SYMLINK_FOLLOW, OFLAG, RIGHT } from './rights.ts'

/** The `path_*` calls of WASI preview 1. */
export function pathCalls(context: WasiContext) {
  const { memory, descriptors, tree, state } = context
  const at = (fd: number, pointer: number, length: number, last: 'follow' | 'keep'): Place => {
    const { node } = descriptors.directory(fd)
    return tree.resolve(node, memory.text(pointer, length), last)
  }
  return {
    path_create_directory(fd: number, path: number, length: number) {
      tree.createDirectory(at(fd, path, length, 'keep'))
    },
    path_filestat_get(fd: number, flags: number, path: number, length: number, into: number) {
      const { node } = existing(at(fd, path, length, following(flags)))
      writeFilestat(context, into, node)
    },
    path_filestat_set_times(
      fd: number,
      flags: number,
      path: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      timeFlags: number,
    ) {
      const { node } = existing(at(fd, path, length, following(flags)))
      setTimes(context, node, accessed, modified, timeFlags)
    },
    path_link(
      fromFd: number,
      flags: number,
      from: number,
      fromLength: number,
      toFd: number,
      to: number,
      toLength: number,
    ) {
      const { node } = existing(at(fromFd, from, fromLength, following(flags)))
      tree.link(node, at(toFd, to, toLength, 'keep'))
    },
    path_open(
      fd: number,
      flags: number,
      path: number,
      length: number,
      openFlags: number,
      base: bigint,
      inheriting: bigint,
      fdFlags: number,
      into: number,
    ) {
      memory.check(into, 4)
      const folder = descriptors.directory(fd)
      const exclusive = (openFlags & OFLAG.creat) !== 0 && (openFlags & OFLAG.excl) !== 0
      const place = at(fd, path, length, exclusive ? 'keep' : following(flags))
      const rights: Rights = {
        base: base & folder.rights.inheriting,
        inheriting: inheriting & folder.rights.inheriting,
      }
      memory.setU32(into, descriptors.add(opened(context, place, { openFlags, rights, fdFlags })))
    },
    path_readlink(fd: number, path: number, length: number, buffer: number, size: number, into: number) {
      memory.check(into, 4)
      const { node } = existing(at(fd, path, length, 'keep'))
      if (node.kind !== 'link') return refuse(ERRNO.inval)
      const target = new TextEncoder().encode(node.target).subarray(0, size >>> 0)
      memory.setBytes(buffer, target)
      memory.setU32(into, target.length)
    },
    path_remove_directory(fd: number, path: number, length: number) {
      tree.removeDirectory(at(fd, path, length, 'keep'))
    },
    path_rename(fd: number, from: number, fromLength: number, toFd: number, to: number, toLength: number) {
      const source = at(fd, from, fromLength, 'keep')
      const target = at(toFd, to, toLength, 'keep')
      const before = state.pathOf(source)
      tree.rename(source, target)
      if (source.node) state.moved(source.node, before, state.pathOf(target))
    },
    path_symlink(target: number, targetLength: number, fd: number, path: number, length: number) {
      tree.createLink(at(fd, path, length, 'keep'), memory.text(target, targetLength))
    },
    path_unlink_file(fd: number, path: number, length: number) {
      const place = at(fd, path, length, 'keep')
      tree.unlink(place)
      state.removed(state.pathOf(place))
    },
  }
}

function following(flags: number): 'follow' | 'keep' {
  return flags & LOOKUP_SYMLINK_FOLLOW ? 'follow' : 'keep'
}

function existing(place: Place): Place & { readonly node: NonNullable<Place['node']> } {
  const { node } = place
  if (!node) return refuse(ERRNO.noent)
  if (place.mustBeDirectory && node.kind !== 'directory') return refuse(ERRNO.notdir)
  return { ...place, node }
}

interface Opening {
  readonly openFlags: number
  readonly rights: Rights
  readonly fdFlags: number
}

function opened(context: WasiContext, place: Place, opening: Opening): Descriptor {
  const { openFlags, rights } = opening
  if (!place.node) return created(context, place, opening)
  if (openFlags & OFLAG.creat && openFlags & OFLAG.excl) return refuse(ERRNO.exist)
  const { node } = existing(place)
  if (node.kind === 'link') return refuse(ERRNO.loop)
  if (node.kind === 'file') return openedFile(context, node, opening)
  const writes = (rights.base & RIGHT.fdWrite) !== 0n && !(openFlags & OFLAG.directory)
  if (writes || openFlags & (OFLAG.trunc | OFLAG.creat)) return refuse(ERRNO.isdir)
  return openDirectory(node, rights)
}

function created({ tree }: WasiContext, place: Place, { openFlags, rights, fdFlags }: Opening): Descriptor {
  if (!(openFlags & OFLAG.creat)) return refuse(ERRNO.noent)
  if (openFlags & OFLAG.directory) return refuse(ERRNO.inval)
  return openFile(tree.createFile(place), rights, fdFlags)
}

function openedFile({ tree }: WasiContext, node: FileNode, { openFlags, rights, fdFlags }: Opening): Descriptor {
  if (openFlags & OFLAG.directory) return refuse(ERRNO.notdir)
  if (node.isReadOnly && rights.base & RIGHT.fdWrite) return refuse(ERRNO.rofs)
  if (openFlags & OFLAG.trunc) tree.resize(node, 0)
  return openFile(node, rights, fdFlags)
}
