import { isFogError, ManualClock, newId, seededRng, toHex } from '@fog/kernel'
import type { AttemptId, GatewayId, NodeId, Rng } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FogNode, Reservation, Resources } from '../node.ts'
import type { ConnectFacts, NodeStore } from '../node-store.ts'
import { fits } from '../resources.ts'

/** A node store with its transactions: all of `work` happens or nothing of it, and several may run at once. */
export interface NodeStoreHarness {
  transact<T>(work: (store: NodeStore) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const MIB = 1_048_576

/** What every `NodeStore` promises. `makeStore` is called for each test and hands out an empty store. */
export function describeNodeStore(name: string, makeStore: () => Promise<NodeStoreHarness>): void {
  describe(`${name} as a node store`, () => {
    let harness: NodeStoreHarness
    let make: Maker

    beforeEach(async () => {
      harness = await makeStore()
      make = new Maker()
    })
    afterEach(() => harness.close())

    const inside: NodeStoreHarness['transact'] = (work) => harness.transact(work)
    const find = (nodeId: NodeId) => inside((store) => store.find(nodeId))
    const added = async (facts: Partial<FogNode> = {}) => {
      const node = make.node(facts)
      await inside((store) => store.add(node))
      return node
    }

    describe('nodes', () => {
      test('a node is found as it was added, by id and by key', async () => {
        const node = await added({ latencyMs: 12.5, gatewayId: make.gatewayId(), trust: 321 })
        expect(await find(node.nodeId)).toEqual(node)
        expect(await inside((store) => store.findByPublicKey(node.publicKey))).toEqual(node)
      })

      test('nodes are found many at a time, the unknown left out', async () => {
        const [a, b] = [await added(), await added()]
        const found = await inside((store) => store.findAll([b.nodeId, make.nodeId(), a.nodeId, b.nodeId]))
        expect(new Map(found.map((node) => [node.nodeId, node]))).toEqual(
          new Map([a, b].map((node) => [node.nodeId, node])),
        )
        expect(found).toHaveLength(2)
        expect(await inside((store) => store.findAll([]))).toEqual([])
      })

      test('a node without latency and gateway has neither when it is found', async () => {
        const node = await added()
        const found = await find(node.nodeId)
        expect(found).toEqual(node)
        expect([found?.latencyMs, found?.gatewayId, found?.reach, found?.device.cpuModel]).toEqual(
          Array(4).fill(undefined),
        )
      })

      test('a node nobody added is not found', async () => {
        expect(await find(make.nodeId())).toBeUndefined()
        expect(await inside((store) => store.findByPublicKey(make.publicKey()))).toBeUndefined()
      })

      test('a public key belongs to one node', async () => {
        const { publicKey } = await added()
        const again = make.node({ publicKey })
        expect(await codeOf(inside((store) => store.add(again)))).toBe('node.key_taken')
        expect(await find(again.nodeId)).toBeUndefined()
      })

      test('two nodes racing for one public key: one gets it', async () => {
        const publicKey = make.publicKey()
        const codes = await Promise.all(
          [make.node({ publicKey }), make.node({ publicKey })].map((node) =>
            codeOf(inside((store) => store.add(node))),
          ),
        )
        expect(new Set(codes)).toEqual(new Set(['node.key_taken', undefined]))
      })

      test('a failed transaction leaves no node, change or reservation behind', async () => {
        const [node, other] = [await added(), make.node()]
        const item = make.item(node, { cpuMilli: 500 })
        const work = inside(async (store) => {
          await store.add(other)
          await store.reserve([item])
          await store.setDuty(node.nodeId, 'draining')
          throw new Error('the flow gave up')
        })
        await expect(work).rejects.toThrow('the flow gave up')
        expect(await find(node.nodeId)).toEqual(node)
        expect(await find(other.nodeId)).toBeUndefined()
        expect(await inside((store) => store.reservationsOf([node.nodeId]))).toEqual([])
        await inside((store) => store.add(other))
      })
    })

    describe('listing', () => {
      test('nodes are listed in the order of enrolment, a page at a time', async () => {
        const nodes = []
        for (let i = 0; i < 5; i++) nodes.push(await added())
        const first = await inside((store) => store.list({ limit: 2 }))
        const second = await inside((store) => store.list({ after: first[1]!.nodeId, limit: 2 }))
        const third = await inside((store) => store.list({ after: second[1]!.nodeId, limit: 2 }))
        expect([...first, ...second, ...third]).toEqual(nodes)
      })

      test('a list may be of one owner', async () => {
        const [mine] = [await added(), await added()]
        expect(await inside((store) => store.list({ ownerId: mine.ownerId, limit: 10 }))).toEqual([mine])
      })

      test('retired nodes are listed only when asked for', async () => {
        const [active, gone] = [await added(), await added()]
        await inside((store) => store.setDuty(gone.nodeId, 'retired'))
        expect(await inside((store) => store.list({ limit: 10 }))).toEqual([active])
        expect(await inside((store) => store.list({ limit: 10, retired: true }))).toHaveLength(2)
      })

      test('nodes are found by the gateways that hold their channels', async () => {
        const [one, two] = [make.gatewayId(), make.gatewayId()]
        const [a, b] = [await added({ gatewayId: one }), await added({ gatewayId: two })]
        await added()
        expect(await inside((store) => store.listByGateway([one]))).toEqual([a])
        expect(await inside((store) => store.listByGateway([two, one]))).toEqual([a, b])
        expect(await inside((store) => store.listByGateway([]))).toEqual([])
      })
    })

    describe('channels', () => {
      test('a connecting device states its facts anew and is online from then on', async () => {
        const node = await added({ health: 'lost', trust: 700, duty: 'draining', latencyMs: 30 })
        const { at, ...facts } = make.facts()
        await inside((store) => store.connect(node.nodeId, { at, ...facts }))
        expect(await find(node.nodeId)).toEqual({
          ...node,
          ...facts,
          health: 'online',
          healthSince: at,
          lastSeenAt: at,
        })
      })

      test('a node is reached the way it connected by last', async () => {
        const node = await added()
        const connect = (reach: 'direct' | 'mixnet') =>
          inside((store) => store.connect(node.nodeId, { ...make.facts(), reach }))
        for (const reach of ['mixnet', 'direct', 'mixnet'] as const) {
          await connect(reach)
          expect((await find(node.nodeId))?.reach).toBe(reach)
        }
      })

      test('a device that was online when it reconnects has been online all along', async () => {
        const node = await added()
        await inside((store) => store.connect(node.nodeId, make.facts()))
        expect((await find(node.nodeId))?.healthSince).toBe(node.healthSince)
      })

      test('a device that comes back smaller keeps what is reserved and takes nothing more', async () => {
        const node = await added()
        const item = make.item(node, { cpuMilli: 3_000 })
        await inside((store) => store.reserve([item]))
        const capacity: Resources = { cpuMilli: 1_000, memoryBytes: 4_096 * MIB, diskBytes: 4_096 * MIB }
        await inside((store) => store.connect(node.nodeId, { ...make.facts(), capacity }))
        expect(await find(node.nodeId)).toMatchObject({ capacity, reserved: { cpuMilli: 3_000 }, reservations: 1 })
        const more = make.item(node, { cpuMilli: 0, memoryBytes: 1 })
        expect(await inside((store) => store.reserve([more]))).toEqual([])
        expect(await inside((store) => store.free([item.attemptId]))).toEqual([item.attemptId])
        expect(await inside((store) => store.reserve([more]))).toEqual([more.attemptId])
      })

      test('a gateway forgets a channel it holds, once', async () => {
        const gatewayId = make.gatewayId()
        const node = await added({ gatewayId })
        expect(await inside((store) => store.disconnect(node.nodeId, gatewayId))).toBe(true)
        expect((await find(node.nodeId))?.gatewayId).toBeUndefined()
        expect((await find(node.nodeId))?.health).toBe('online')
        expect(await inside((store) => store.disconnect(node.nodeId, gatewayId))).toBe(false)
      })

      test('a gateway that closes late does not cut the channel a newer gateway holds', async () => {
        const [old, newer] = [make.gatewayId(), make.gatewayId()]
        const node = await added({ gatewayId: old })
        await inside((store) => store.connect(node.nodeId, { ...make.facts(), gatewayId: newer }))
        expect(await inside((store) => store.disconnect(node.nodeId, old))).toBe(false)
        expect((await find(node.nodeId))?.gatewayId).toBe(newer)
      })

      test('a channel of an unknown node cannot be forgotten', async () => {
        expect(await inside((store) => store.disconnect(make.nodeId(), make.gatewayId()))).toBe(false)
      })
    })

    describe('changes', () => {
      test('health changes with its instant; the same health said again does not move it', async () => {
        const node = await added()
        await inside((store) => store.setHealth(node.nodeId, 'suspect', 5_000))
        await inside((store) => store.setHealth(node.nodeId, 'suspect', 6_000))
        expect(await find(node.nodeId)).toMatchObject({ health: 'suspect', healthSince: 5_000 })
        await inside((store) => store.setHealth(node.nodeId, 'online', 7_000))
        expect(await find(node.nodeId)).toMatchObject({ health: 'online', healthSince: 7_000 })
      })

      test('harvest, duty and labels are replaced whole, and nothing else changes', async () => {
        const node = await added()
        const changes = {
          harvest: { mode: 'throttle', reasons: ['31 % other CPU', 'on battery'], cpuShare: 25, maxTasks: 1 },
          duty: 'quarantined',
          labels: { region: 'north', 'a "quoted" key': 'ünïcode' },
        } as const
        await inside(async (store) => {
          await store.setHarvest(node.nodeId, changes.harvest)
          await store.setDuty(node.nodeId, changes.duty)
          await store.setLabels(node.nodeId, changes.labels)
        })
        expect(await find(node.nodeId)).toEqual({ ...node, ...changes })
      })

      test('changes to an unknown node are refused', async () => {
        const { harvest } = make.facts()
        const nobody = make.nodeId()
        const changes: ((store: NodeStore) => Promise<void>)[] = [
          (store) => store.connect(nobody, make.facts()),
          (store) => store.setHealth(nobody, 'lost', 1),
          (store) => store.setHarvest(nobody, harvest),
          (store) => store.setDuty(nobody, 'draining'),
          (store) => store.setLabels(nobody, {}),
        ]
        for (const change of changes) expect(await codeOf(inside(change))).toBe('node.not_found')
      })

      test('trust moves by its deltas and stays within 0 and 1000', async () => {
        const [low, mid, high] = [await added({ trust: 5 }), await added({ trust: 500 }), await added({ trust: 990 })]
        await inside((store) =>
          store.addTrust([
            { nodeId: low.nodeId, delta: -20 },
            { nodeId: high.nodeId, delta: 20 },
            { nodeId: mid.nodeId, delta: 7 },
            { nodeId: make.nodeId(), delta: 1 },
            { nodeId: mid.nodeId, delta: -3 },
          ]),
        )
        expect(await find(low.nodeId)).toEqual({ ...low, trust: 0 })
        expect(await find(mid.nodeId)).toEqual({ ...mid, trust: 504 })
        expect(await find(high.nodeId)).toEqual({ ...high, trust: 1_000 })
        await inside((store) => store.addTrust([]))
      })

      test('being seen moves the last sight forward only, and the latency where it was measured', async () => {
        const [a, b] = [await added({ latencyMs: 40, lastSeenAt: 1_000 }), await added({ lastSeenAt: 1_000 })]
        await inside((store) =>
          store.touch([
            { nodeId: a.nodeId, at: 3_000 },
            { nodeId: b.nodeId, at: 2_000, latencyMs: 7.25 },
            { nodeId: make.nodeId(), at: 9_000 },
          ]),
        )
        await inside((store) => store.touch([{ nodeId: a.nodeId, at: 2_500 }]))
        await inside((store) => store.touch([]))
        expect(await find(a.nodeId)).toEqual({ ...a, lastSeenAt: 3_000 })
        expect(await find(b.nodeId)).toEqual({ ...b, lastSeenAt: 2_000, latencyMs: 7.25 })
      })
    })

    describe('reservations', () => {
      test('a reservation takes its resources from the node until it is freed', async () => {
        const node = await added()
        const [a, b] = [make.item(node, { cpuMilli: 500 }), make.item(node, { cpuMilli: 250, diskBytes: 3 * MIB })]
        expect(await inside((store) => store.reserve([a, b]))).toEqual([a.attemptId, b.attemptId])
        expect(await find(node.nodeId)).toMatchObject({
          reserved: {
            cpuMilli: 750,
            memoryBytes: a.resources.memoryBytes + b.resources.memoryBytes,
            diskBytes: a.resources.diskBytes + b.resources.diskBytes,
          },
          reservations: 2,
        })
        expect(byAttempt(await inside((store) => store.reservationsOf([node.nodeId])))).toEqual(byAttempt([a, b]))
        expect(await inside((store) => store.free([b.attemptId]))).toEqual([b.attemptId])
        expect(await find(node.nodeId)).toMatchObject({ reserved: a.resources, reservations: 1 })
        expect(await inside((store) => store.reservationsOf([node.nodeId]))).toEqual([a])
      })

      test('what does not fit whole is refused, in each respect, and what comes after may still fit', async () => {
        const node = await added()
        const { cpuMilli, memoryBytes, diskBytes } = node.capacity
        const items = [
          make.item(node, { cpuMilli: cpuMilli + 1 }),
          make.item(node, { memoryBytes: memoryBytes + 1 }),
          make.item(node, { diskBytes: diskBytes + 1 }),
          make.item(node, { cpuMilli, memoryBytes, diskBytes }),
          make.item(node, { cpuMilli: 1, memoryBytes: 0, diskBytes: 0 }),
        ]
        expect(await inside((store) => store.reserve(items))).toEqual([items[3]!.attemptId])
        expect((await find(node.nodeId))?.reserved).toEqual(node.capacity)
      })

      test('items are tried in the order given, across nodes', async () => {
        const [a, b] = [await added(), await added()]
        const items = [
          make.item(a, { cpuMilli: 3_000 }),
          make.item(b, { cpuMilli: 3_000 }),
          make.item(a, { cpuMilli: 2_000 }),
          make.item(b, { cpuMilli: 1_000 }),
          make.item(a, { cpuMilli: 1_000 }),
        ]
        const reserved = await inside((store) => store.reserve(items))
        expect(reserved).toEqual([0, 1, 3, 4].map((i) => items[i]!.attemptId))
      })

      test.each(['suspect', 'unreachable', 'lost'] as const)('a node that is %s takes no new work', async (health) => {
        const node = await added()
        const before = make.item(node, {})
        await inside((store) => store.reserve([before]))
        await inside((store) => store.setHealth(node.nodeId, health, 1))
        expect(await inside((store) => store.reserve([make.item(node, {})]))).toEqual([])
        expect(await inside((store) => store.reservationsOf([node.nodeId]))).toEqual([before])
      })

      test.each(['draining', 'quarantined', 'retired'] as const)(
        'a node that is %s takes no new work',
        async (duty) => {
          const node = await added({ duty })
          expect(await inside((store) => store.reserve([make.item(node, {})]))).toEqual([])
        },
      )

      test('an unknown node takes no work', async () => {
        const item = make.item(make.node(), {})
        expect(await inside((store) => store.reserve([item]))).toEqual([])
        expect(await inside((store) => store.reserve([]))).toEqual([])
      })

      test('an attempt is reserved once, on one node', async () => {
        const [a, b] = [await added(), await added()]
        const item = make.item(a, {})
        expect(await inside((store) => store.reserve([item, item]))).toEqual([item.attemptId])
        expect(await inside((store) => store.reserve([item, { ...item, nodeId: b.nodeId }]))).toEqual([])
        expect(await find(a.nodeId)).toMatchObject({ reserved: item.resources, reservations: 1 })
        expect((await find(b.nodeId))?.reservations).toBe(0)
      })

      test('an attempt refused once may be reserved where it fits, in the same batch too', async () => {
        const [a, b] = [await added(), await added()]
        const large = make.item(a, { cpuMilli: a.capacity.cpuMilli + 1 })
        const fitting = { ...make.item(b, {}), attemptId: large.attemptId }
        expect(await inside((store) => store.reserve([large, fitting]))).toEqual([large.attemptId])
        expect(await inside((store) => store.reservationsOf([b.nodeId]))).toEqual([fitting])
      })

      test('freeing answers what was live and changes nothing the second time', async () => {
        const node = await added()
        const [a, b] = [make.item(node, {}), make.item(node, {})]
        await inside((store) => store.reserve([a, b]))
        const freed = await inside((store) => store.free([a.attemptId, make.attemptId(), a.attemptId, b.attemptId]))
        expect([...freed].sort()).toEqual([a.attemptId, b.attemptId].sort())
        expect(await inside((store) => store.free([a.attemptId, b.attemptId]))).toEqual([])
        expect(await inside((store) => store.free([]))).toEqual([])
        expect(await find(node.nodeId)).toEqual(node)
      })

      test('the reservations of a lost or retired node can be freed', async () => {
        const node = await added()
        const item = make.item(node, {})
        await inside((store) => store.reserve([item]))
        await inside((store) => store.setHealth(node.nodeId, 'lost', 1))
        await inside((store) => store.setDuty(node.nodeId, 'retired'))
        expect(await inside((store) => store.free([item.attemptId]))).toEqual([item.attemptId])
        expect(await find(node.nodeId)).toMatchObject({ reservations: 0, reserved: { cpuMilli: 0 } })
      })

      test('resources beyond 32 bits stay exact', async () => {
        const large = 3 * 2 ** 40 + 1
        const node = await added({ capacity: { cpuMilli: 256_000, memoryBytes: large, diskBytes: large * 8 } })
        const item = make.item(node, { memoryBytes: large, diskBytes: large * 8 })
        await inside((store) => store.reserve([item]))
        expect(await find(node.nodeId)).toMatchObject({ reserved: item.resources, capacity: node.capacity })
        expect(await inside((store) => store.reservationsOf([node.nodeId]))).toEqual([item])
      })

      test('reservations racing on one node never exceed its capacity', async () => {
        const node = await added()
        const items = Array.from({ length: 24 }, () => make.item(node, { cpuMilli: 700 }))
        const answers = await Promise.all(items.map((item) => inside((store) => store.reserve([item]))))
        expect(answers.flat()).toHaveLength(5)
        const found = await find(node.nodeId)
        expect(found).toMatchObject({ reservations: 5, reserved: { cpuMilli: 3_500 } })
        expect(await inside((store) => store.auditReservations())).toEqual([])
      })

      test('batches racing over the same nodes, in any order, neither overfill them nor wait for each other forever', async () => {
        const nodes = [await added(), await added(), await added()]
        const batch = (turn: number) => {
          const order = turn % 2 === 0 ? nodes : [...nodes].reverse()
          return order.map((node) => make.item(node, { cpuMilli: 1_500 }))
        }
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, turn) => inside((store) => store.reserve(batch(turn)))),
        )
        expect(answers.flat()).toHaveLength(6)
        for (const { nodeId } of nodes) {
          const found = await find(nodeId)
          expect(found?.reserved.cpuMilli).toBe(3_000)
          expect(fits(found!.reserved, found!.capacity)).toBe(true)
        }
        expect(await inside((store) => store.auditReservations())).toEqual([])
      })

      test('one attempt racing for several nodes gets one', async () => {
        const nodes = [await added(), await added(), await added()]
        const attemptId = make.attemptId()
        const answers = await Promise.all(
          nodes.map((node) => inside((store) => store.reserve([{ ...make.item(node, {}), attemptId }]))),
        )
        expect(answers.flat()).toEqual([attemptId])
        expect(await inside((store) => store.auditReservations())).toEqual([])
      })

      test('one reservation freed by many at once is freed once', async () => {
        const node = await added()
        const items = [make.item(node, {}), make.item(node, {})]
        await inside((store) => store.reserve(items))
        const ids = items.map((item) => item.attemptId)
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, i) => inside((store) => store.free(i % 2 === 0 ? ids : [...ids].reverse()))),
        )
        expect(answers.flat().sort()).toEqual([...ids].sort())
        expect(await find(node.nodeId)).toEqual(node)
      })

      test('an audit finds a node whose sum is not that of its reservations', async () => {
        const wrong = await added({ reserved: { cpuMilli: 100, memoryBytes: 0, diskBytes: 0 }, reservations: 1 })
        await added()
        expect(await inside((store) => store.auditReservations())).toEqual([
          { nodeId: wrong.nodeId, says: wrong.reserved, sum: { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 } },
        ])
      })
    })
  })
}

/** Nodes, ids and items made by seed; each node a moment younger than the one before. */
class Maker {
  readonly #clock = new ManualClock()
  readonly #rng: Rng = seededRng(11)

  node(facts: Partial<FogNode> = {}): FogNode {
    this.#clock.advance(1_000)
    const now = this.#clock.now()
    const { device, capacity, labels, harvest } = this.facts()
    return {
      nodeId: this.nodeId(),
      ownerId: newId('account', now, this.#rng),
      name: 'attic',
      publicKey: this.publicKey(),
      device: { ...device, cpuModel: undefined },
      labels: { ...labels, region: 'south' },
      capacity,
      reserved: { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 },
      reservations: 0,
      health: 'online',
      healthSince: now,
      harvest,
      duty: 'active',
      trust: 500,
      enrolledAt: now,
      lastSeenAt: now,
      ...facts,
    }
  }

  /** Four cores, 4 GiB of memory and of disk. */
  facts(): ConnectFacts {
    this.#clock.advance(1_000)
    return {
      gatewayId: this.gatewayId(),
      reach: 'direct',
      device: {
        os: 'linux',
        arch: 'x64',
        cores: 4,
        memoryBytes: 8_192 * MIB,
        cpuModel: 'A CPU @ 2.4 GHz',
        kinds: ['wasm', 'js'],
        agentVersion: '0.1.0',
      },
      capacity: { cpuMilli: 4_000, memoryBytes: 4_096 * MIB, diskBytes: 4_096 * MIB },
      labels: { region: 'north', domain: 'rack-7' },
      harvest: { mode: 'run', reasons: ['idle for 180 s'], cpuShare: 80, maxTasks: 4 },
      at: this.#clock.now(),
    }
  }

  item(node: FogNode, resources: Partial<Resources>): Reservation {
    return {
      attemptId: this.attemptId(),
      nodeId: node.nodeId,
      resources: { cpuMilli: 100, memoryBytes: MIB, diskBytes: MIB, ...resources },
    }
  }

  nodeId(): NodeId {
    return newId('node', this.#clock.now(), this.#rng)
  }

  attemptId(): AttemptId {
    return newId('attempt', this.#clock.now(), this.#rng)
  }

  gatewayId(): GatewayId {
    return newId('gateway', this.#clock.now(), this.#rng)
  }

  publicKey(): string {
    return toHex(this.#rng.bytes(32))
  }
}

function byAttempt(items: readonly Reservation[]): Reservation[] {
  return [...items].sort((a, b) => (a.attemptId < b.attemptId ? -1 : 1))
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (fault: unknown) => (isFogError(fault) ? fault.code : String(fault)),
  )
}
