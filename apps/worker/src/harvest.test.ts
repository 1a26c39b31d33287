import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test, vi } from 'vitest'
import { type Decision, known, presetPolicy, type Signals, unknown } from '@fog/idle'
import { thisMachine } from '@fog/idle/node'
import { ManualClock } from '@fog/kernel'
import { Harvester, type HarvestState, patient } from './harvest.ts'
import { cpuTicks, descendants, until } from './testing/processes.ts'
import { program } from './testing/programs.ts'
import { TestFog } from './testing/test-fog.ts'
import { WorkerProcess } from './testing/worker-process.ts'

// The last test starts a real worker, on a machine that runs other tests beside it.
vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'fog-harvest-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('it tells of a change once, and puts every look into effect', async () => {
  const { clock, harvester, signals, applied, told } = lender()
  await harvester.start()
  expect(told).toMatchObject([{ mode: 'run', cpuShare: 100, maxTasks: 4 }])
  await look(clock, applied)
  expect(told).toHaveLength(1)
  signals.userIdleMs = known(0, 'test')
  await look(clock, applied)
  expect(told[1]).toMatchObject({ mode: 'suspend', cpuShare: 0, maxTasks: 0 })
  expect(told[1]!.reasons[0]).toMatch(/^paused: you used this device/)
  // The sentence counts the seconds; that alone is no news.
  await look(clock, applied)
  await look(clock, applied)
  expect(told).toHaveLength(2)
  expect(applied.length).toBe(5)
  await harvester.stop()
})

test('what is suspended for long must leave', async () => {
  const { clock, harvester, signals, applied, told } = lender()
  signals.userIdleMs = known(0, 'test')
  await harvester.start()
  for (let i = 0; i < 130; i++) await look(clock, applied, 1000)
  expect(told.map(({ mode }) => mode)).toEqual(['suspend', 'evict'])
  await harvester.stop()
})

test('a sensor that fails does not end the watch', async () => {
  const { clock, harvester, applied, breakOnce } = lender()
  await harvester.start()
  breakOnce()
  clock.advance(500)
  await look(clock, applied)
  expect(applied.length).toBeGreaterThanOrEqual(2)
  await harvester.stop()
})

test('a command that does not answer is left in peace for a minute', async () => {
  const clock = new ManualClock()
  let asked = 0
  const machine = {
    ...thisMachine({}),
    ask: async () => {
      asked++
      return undefined
    },
  }
  const spared = patient(machine, clock)
  await spared.ask('loginctl', 'list')
  await spared.ask('loginctl', 'show')
  expect(asked).toBe(1)
  clock.advance(60_000)
  await spared.ask('loginctl', 'list')
  expect(asked).toBe(2)
})

test.runIf(process.platform === 'linux')('a person who comes back has the processor within a second', async () => {
  // The real worker and its real sensors; only the program that X11 desktops ask for the idle time is ours.
  const idle = join(folder, 'idle-ms')
  const command = join(folder, 'xprintidle')
  writeFileSync(idle, '10000000')
  writeFileSync(command, `#!/bin/sh\ncat ${idle}\n`)
  chmodSync(command, 0o755)
  const fog = await TestFog.start()
  const worker = await WorkerProcess.connected(fog, join(folder, 'worker'), {
    FOG_WORKER_POLICY: 'desktop',
    DISPLAY: ':0',
    PATH: `${folder}:${process.env['PATH']}`,
  })
  const lease = fog.lease(program('spin'), { limits: { wallMs: 600_000 } })
  fog.give(lease)
  await fog.started(lease)
  const children = () => descendants(worker.pid)
  const before = cpuTicks(children())
  await until('it computes', () => cpuTicks(children()) - before > 20)

  writeFileSync(idle, '0')
  const cameBack = performance.now()
  await until('it is paused', () => fog.of('harvest').at(-1)?.harvest.mode === 'suspend')
  const pausedAfterMs = performance.now() - cameBack
  const atPause = cpuTicks(children())
  const refused = fog.lease(program('noop'))
  fog.give(refused)
  expect(await fog.returned(refused)).toMatch(/^paused: you used this device/)
  await new Promise((resolve) => setTimeout(resolve, 500))
  // One tick is 10 ms; what is left is the spare child and the measuring itself.
  expect(cpuTicks(children()) - atPause).toBeLessThan(10)
  expect(pausedAfterMs).toBeLessThan(1000)
  expect(fog.of('heartbeat').at(-1)!.attempts).toContain(lease.attemptId)
  await worker.stopped()
  expect(await fog.returned(lease)).toBe('the worker is stopping')
  await fog.stop()
})

/** A desktop with sensors that say what the test lays down. */
function lender() {
  const clock = new ManualClock()
  const signals = quietSignals()
  const applied: Decision[] = []
  const told: HarvestState[] = []
  let isBroken = false
  const harvester = new Harvester(
    {
      sensors: {
        read: async () => {
          if (!isBroken) return { ...signals }
          isBroken = false
          throw new Error('a sensor fell off')
        },
      },
      clock,
      log: pino({ level: 'silent' }),
      taskCount: () => 1,
      apply: (decision) => void applied.push(decision),
      changed: (state) => void told.push(state),
    },
    { policy: { ...presetPolicy('desktop', { cores: 4 }), maxTasks: 4 }, everyMs: 500 },
  )
  return { clock, harvester, signals, applied, told, breakOnce: () => (isBroken = true) }
}

/** Moves time to the next look and waits until it has been put into effect. */
async function look(clock: ManualClock, applied: readonly Decision[], ms = 500): Promise<void> {
  const before = applied.length
  while (applied.length === before) {
    clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function quietSignals(): { -readonly [Name in keyof Signals]: Signals[Name] } {
  const nobody = unknown('not in this test')
  return {
    userIdleMs: known(3_600_000, 'test'),
    otherCpu: known(0, 'test'),
    isPlugged: known(true, 'test'),
    batteryLevel: nobody,
    cpuCelsius: nobody,
    batteryCelsius: nobody,
    thermalPressure: nobody,
    memoryFree: known(0.9, 'test'),
    ownMemoryBytes: known(0, 'test'),
    network: known('free', 'test'),
    isFullScreen: nobody,
    isBatterySaver: nobody,
    localTime: nobody,
    tasks: 0,
    snoozedUntil: undefined,
  }
}
