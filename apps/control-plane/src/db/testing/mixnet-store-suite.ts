import type { DirectoryStore } from '@fog/betanet/directory'
import { describeDirectoryStore } from '@fog/betanet/testing'
import { utf8 } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MixNodeRecord, MixReport } from '../../mixnet/stores.ts'
import type { Database } from '../../ports.ts'
import { MadeUp, START } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

const NETWORK = new Uint8Array(32).fill(7)
const OTHER = new Uint8Array(32).fill(8)
const NAME = '07'.repeat(32)

export function describeMixnetStore(open: OpenDatabase): void {
  describeDirectoryStore('what an authority knows', async () => {
    const { database, close } = await open()
    return { store: eachInATransaction(database), close }
  })

  describe('as a store of a mixnet', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    const addNode = async (part: Partial<MixNodeRecord> = {}): Promise<MixNodeRecord> => {
      const accountId = part.accountId ?? some.id('account')
      const operator = part.operator ?? `operator-${accountId}`
      const node = { identityKey: some.hash(), accountId, name: 'attic', addedAt: START, ...part, operator }
      await database.transact(async (tx) => {
        await tx.mixnet.claimOperator(accountId, operator)
        await tx.mixnet.addNode(node)
      })
      return node
    }

    test('networks know nothing of each other', async () => {
      await database.transact(async (tx) => {
        await tx.directory(NETWORK).addConsensus(1, utf8('one'))
        await tx.directory(NETWORK).pinVote(1, utf8('vote'))
        await tx.directory(NETWORK).putDescriptor(1, 'aa', utf8('node'))
      })
      const other = database.read.directory(OTHER)
      expect(await other.lastConsensusEpoch()).toBeUndefined()
      expect(await other.findVote(1)).toBeUndefined()
      expect(await other.countDescriptors(1)).toBe(0)
      expect(await database.read.directory(NETWORK).countDescriptors(1)).toBe(1)
    })

    test('old consensuses are let go of, but never the last', async () => {
      await database.transact(async (tx) => {
        for (const epoch of [1, 2, 3]) await tx.directory(NETWORK).addConsensus(epoch, utf8(`${epoch}`))
      })
      await database.transact((tx) => tx.directory(NETWORK).forgetConsensusesBefore(3))
      const store = database.read.directory(NETWORK)
      expect(await store.findConsensus(2)).toBeUndefined()
      expect(await store.lastConsensusEpoch()).toBe(3)
      await database.transact((tx) => tx.directory(NETWORK).forgetConsensusesBefore(99))
      expect(await store.findConsensus(3)).toEqual(utf8('3'))
    })

    test('evidence is counted and found by what it is about', async () => {
      const [first, second] = [utf8('a'), utf8('b')]
      const evidence = { kind: 'vote', culprit: 'aa', epoch: 4, first, second } as const
      await database.transact(async (tx) => {
        await tx.directory(NETWORK).addEvidence(evidence)
        await tx.directory(NETWORK).addEvidence({ ...evidence, culprit: 'bb' })
      })
      const store = database.read.directory(NETWORK)
      expect(await store.countEvidence('aa')).toEqual({ all: 2, ofCulprit: 1 })
      expect(await store.findEvidence('vote', 'aa', 4)).toEqual(evidence)
      expect(await store.findEvidence('descriptor', 'aa', 4)).toBeUndefined()
    })

    test('a node is one account’s, and what it is called by its operator comes with it', async () => {
      const node = await addNode()
      expect(await database.read.mixnet.findNode(node.identityKey)).toEqual(node)
      expect(await database.transact((tx) => tx.mixnet.addNode(node))).toBe(false)
      expect(await database.read.mixnet.findNode(some.hash())).toBeUndefined()
      const other = await addNode()
      const found = await database.read.mixnet.findNodes([node.identityKey, other.identityKey, some.hash()])
      expect(new Set(found.keys())).toEqual(new Set([node.identityKey, other.identityKey]))
    })

    test('nodes are listed by key, and a revoked one stays in the list', async () => {
      const accountId = some.id('account')
      const nodes = [await addNode({ accountId }), await addNode({ accountId }), await addNode()]
      const keys = nodes.map(({ identityKey }) => identityKey).sort()
      const listed = await database.read.mixnet.listNodes({ limit: 10 })
      expect(listed.map(({ identityKey }) => identityKey)).toEqual(keys)
      expect(await database.read.mixnet.listNodes({ after: keys[0], limit: 1 })).toMatchObject([
        { identityKey: keys[1] },
      ])
      expect(await database.read.mixnet.countNodes(accountId)).toBe(2)
      await database.transact((tx) => tx.mixnet.revokeNode(nodes[0]!.identityKey, START + 1))
      await database.transact((tx) => tx.mixnet.revokeNode(nodes[0]!.identityKey, START + 2))
      expect(await database.read.mixnet.countNodes(accountId)).toBe(1)
      expect(await database.read.mixnet.listNodes({ accountId, limit: 10 })).toHaveLength(2)
      expect(await database.read.mixnet.findNode(nodes[0]!.identityKey)).toMatchObject({ revokedAt: START + 1 })
    })

    test('an account is one operator, and no two accounts are the same', async () => {
      const [one, two] = [some.id('account'), some.id('account')]
      const claim = (accountId: typeof one, operator: string) =>
        database.transact((tx) => tx.mixnet.claimOperator(accountId, operator))
      expect(await claim(one, 'alice')).toBe('alice')
      expect(await claim(one, 'somebody')).toBe('alice')
      expect(await claim(two, 'alice')).toBeUndefined()
      expect(await claim(two, 'somebody')).toBe('somebody')
      expect(await database.read.mixnet.findOperator(one)).toBe('alice')
    })

    test('of reports of a node and epoch the highest revision is kept', async () => {
      const put = (part: Partial<MixReport>) =>
        database.transact((tx) => tx.mixnet.putReport(NAME, { ...report('aa', 3), ...part }))
      expect(await put({ revision: 2 })).toBe('added')
      expect(await put({ revision: 2 })).toBe('known')
      expect(await put({ revision: 2, bytes: utf8('other') })).toBe('superseded')
      expect(await put({ revision: 1, bytes: utf8('older') })).toBe('superseded')
      expect(await put({ revision: 3, received: 9_000_000_000, bytes: utf8('newer') })).toBe('replaced')
      expect(await database.read.mixnet.listReports(NAME, 3)).toEqual([
        { ...report('aa', 3), revision: 3, received: 9_000_000_000, bytes: utf8('newer') },
      ])
      expect(await database.read.mixnet.listReports(NAME, 4)).toEqual([])
    })

    test('reports are summed by epoch, the latest first, each node at its own pace', async () => {
      await database.transact(async (tx) => {
        await tx.mixnet.putReport(NAME, report('aa', 3))
        await tx.mixnet.putReport(NAME, { ...report('bb', 3), coveredMs: 500 })
        await tx.mixnet.putReport(NAME, report('aa', 5))
        await tx.mixnet.putReport('other', report('aa', 9))
      })
      const flows = await database.read.mixnet.sumReports(NAME, { limit: 10 })
      expect(flows.map(({ epoch, nodes }) => [epoch, nodes])).toEqual([
        [5, 1],
        [3, 2],
      ])
      expect(flows[1]).toMatchObject({ received: 200, forwarded: 180, loopsLost: 2, bytesOut: 4_000 })
      expect(flows[1]!.receivedPerSecond).toBeCloseTo(100 + 200)
      expect(await database.read.mixnet.sumReports(NAME, { limit: 1 })).toHaveLength(1)
      expect(await database.read.mixnet.sumReports(NAME, { limit: 9, identityKey: 'bb' })).toMatchObject([
        { epoch: 3, nodes: 1, received: 100 },
      ])
      await database.transact((tx) => tx.mixnet.forgetReportsBefore(NAME, 5))
      expect(await database.read.mixnet.sumReports(NAME, { limit: 9 })).toHaveLength(1)
    })

    test('messages wait once, in order, and no more of them than there is room for', async () => {
      const bounds = { messages: 3, bytes: 10 }
      const add = (text: string, at = START) =>
        database.transact((tx) => tx.mixnet.addMessage(NAME, utf8(text), at, bounds))
      expect(await add('one', START)).toBe(true)
      expect(await add('two', START + 1)).toBe(true)
      expect(await add('two', START + 2)).toBe(true)
      expect(await add('too long')).toBe(false)
      expect(await add('six', START + 3)).toBe(true)
      expect(await add('x')).toBe(false)
      const waiting = await database.read.mixnet.listMessages(NAME, 9)
      expect(waiting.map(({ bytes }) => bytes)).toEqual([utf8('one'), utf8('two'), utf8('six')])
      expect(await database.read.mixnet.listMessages('other', 9)).toEqual([])
      const digests = waiting.slice(0, 2).map(({ digest }) => digest)
      await database.transact((tx) => tx.mixnet.removeMessages(NAME, digests))
      expect(await database.read.mixnet.listMessages(NAME, 9)).toMatchObject([{ bytes: utf8('six') }])
    })
  })
}

function report(identityKey: string, epoch: number): MixReport {
  return {
    identityKey,
    epoch,
    revision: 0,
    coveredMs: 1_000,
    at: START,
    received: 100,
    forwarded: 90,
    delivered: 5,
    cover: 2,
    dropped: 3,
    bytesIn: 2_000,
    bytesOut: 2_000,
    loopsSent: 4,
    loopsReturned: 3,
    loopsLost: 1,
    bytes: utf8('signed'),
  }
}

/** As an authority uses it: what it pins is committed when the call returns. */
function eachInATransaction(database: Database): DirectoryStore {
  const call = <Name extends keyof DirectoryStore>(name: Name): DirectoryStore[Name] => {
    const inATransaction = (...given: Parameters<DirectoryStore[Name]>) =>
      database.transact(async (tx) => {
        const store = tx.directory(NETWORK)
        return (await Reflect.apply(store[name], store, given)) as unknown
      })
    // It takes what the method takes and answers what it answers.
    return inATransaction as unknown as DirectoryStore[Name]
  }
  return {
    putDescriptor: call('putDescriptor'),
    findDescriptor: call('findDescriptor'),
    listDescriptors: call('listDescriptors'),
    countDescriptors: call('countDescriptors'),
    pinVote: call('pinVote'),
    findVote: call('findVote'),
    pinDigest: call('pinDigest'),
    addConsensus: call('addConsensus'),
    findConsensus: call('findConsensus'),
    findLastConsensus: call('findLastConsensus'),
    addEvidence: call('addEvidence'),
    listEvidence: call('listEvidence'),
    forgetBefore: call('forgetBefore'),
  }
}
