import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decision, decide, FRESH_POLICY_STATE, type PolicyState } from './decide.ts'
import { type HarvestPolicy, isWithin, presetPolicy } from './policy.ts'
import { capacityOf } from './capacity.ts'
import { known, type Reading, type Signals, unknown } from './signals.ts'

const CALM: Signals = {
  userIdleMs: known(3_600_000, 'test'),
  otherCpu: known(0.02, 'test'),
  isPlugged: known(true, 'test'),
  batteryLevel: known(1, 'test'),
  cpuCelsius: known(50, 'test'),
  batteryCelsius: known(30, 'test'),
  thermalPressure: known('nominal', 'test'),
  memoryFree: known(0.6, 'test'),
  ownMemoryBytes: known(0, 'test'),
  network: known('free', 'test'),
  isFullScreen: known(false, 'test'),
  isBatterySaver: known(false, 'test'),
  localTime: known({ weekday: 1, minute: 600 }, 'test'),
  tasks: 3,
  snoozedUntil: undefined,
}

/** A device that is looked at once a second, from calm on. */
class Device {
  readonly policy: HarvestPolicy
  now = 1_000_000
  state: PolicyState = FRESH_POLICY_STATE
  signals: Signals = CALM
  last!: Decision

  constructor(policy: Partial<HarvestPolicy> = {}, preset: 'server' | 'desktop' | 'laptop' = 'laptop') {
    this.policy = { ...presetPolicy(preset, { cores: 4 }), cpuShare: 1, maxTasks: 4, ...policy }
    this.look()
    // Past the first minute, in which nothing becomes more again.
    this.after(60)
  }

  look(): Decision {
    this.last = decide(this.signals, this.policy, this.state, this.now)
    this.state = this.last.state
    return this.last
  }

  after(seconds: number): Decision {
    for (let i = 0; i < seconds; i++) {
      this.now += 1000
      this.look()
    }
    return this.last
  }

  feel(signals: { [Name in keyof Signals]?: Signals[Name] extends Reading<infer T> ? T | null : Signals[Name] }): this {
    const plain = new Set(['tasks', 'snoozedUntil'])
    const read = Object.entries(signals).map(([name, value]) => [
      name,
      plain.has(name) ? value : value === null ? unknown('gone') : known(value, 'test'),
    ])
    this.signals = { ...this.signals, ...Object.fromEntries(read) }
    return this
  }

  /** Somebody touches the device now, and again until `until` seconds have passed. */
  touched(seconds: number): Decision {
    for (let i = 0; i < seconds; i++) {
      this.feel({ userIdleMs: 0 })
      this.after(1)
    }
    return this.last
  }

  /** Nobody touches it. */
  leftAlone(seconds: number): Decision {
    for (let i = 0; i < seconds; i++) {
      this.feel({ userIdleMs: (this.signals.userIdleMs.value ?? 0) + 1000 })
      this.after(1)
    }
    return this.last
  }

  /** Seconds until the mode is what is asked for. */
  secondsUntil(mode: Decision['mode'], most = 1000): number {
    for (let seconds = 1; seconds <= most; seconds++) if (this.after(1).mode === mode) return seconds
    return Infinity
  }
}

const first = (decision: Decision) => decision.reasons[0]!.text

describe('a device is used', () => {
  test('fully when nothing else needs it', () => {
    const { mode, cpuShare, maxTasks, reasons, usesNetwork, unknown } = new Device().last
    expect({ mode, cpuShare, maxTasks, usesNetwork, unknown }).toEqual({
      mode: 'run',
      cpuShare: 1,
      maxTasks: 4,
      usesNetwork: true,
      unknown: [],
    })
    expect(reasons).toEqual([{ code: 'free', text: 'running: nothing else needs this device' }])
  })

  test('not at all when the owner does not lend', () => {
    const off = new Device({ lends: false }).last
    expect(off).toMatchObject({ mode: 'off', cpuShare: 0, maxTasks: 0 })
    expect(first(off)).toBe('off: the owner does not lend')
  })

  test('not by decision of a sensor that is unknown, unless the owner says so', () => {
    const device = new Device().feel({ batteryLevel: null, cpuCelsius: null, otherCpu: null, userIdleMs: null })
    expect(device.after(200).mode).toBe('run')
    expect(device.last.unknown).toContainEqual({ signal: 'batteryLevel', source: 'gone' })
    device.feel({ isPlugged: null })
    expect(device.after(1)).toMatchObject({ mode: 'suspend' })
    expect(first(device.last)).toBe('paused: whether it is plugged in is unknown (gone)')
  })
})

describe('user input', () => {
  test('pauses within the second, and 180 quiet seconds resume', () => {
    const device = new Device()
    expect(device.touched(1)).toMatchObject({ mode: 'suspend', cpuShare: 0, maxTasks: 0 })
    expect(first(device.last)).toBe('paused: you used this device 0 s ago')
    expect(device.leftAlone(178).mode).toBe('evict')
    expect(first(device.last)).toBe('paused: you used this device 2 min ago')
    expect(device.leftAlone(3).mode).toBe('run')
  })

  test('on a desktop matters for 900 seconds', () => {
    const device = new Device({}, 'desktop')
    device.touched(1)
    expect(device.leftAlone(898).mode).not.toBe('run')
    expect(device.leftAlone(2).mode).toBe('run')
  })

  test('only slows down where the owner prefers that', () => {
    const device = new Device({ userInput: { action: 'throttle', resumeAfterMs: 180_000 } })
    expect(device.touched(1)).toMatchObject({ mode: 'throttle', cpuShare: 0.25, maxTasks: 1 })
    expect(first(device.last)).toBe('slowed to 25 %: you used this device 0 s ago')
  })

  test('does not matter on a server', () => {
    const device = new Device({}, 'server').feel({ otherCpu: 0.9, isPlugged: false, isFullScreen: true })
    expect(device.touched(100).mode).toBe('run')
  })

  test('is not forgotten when its sensor is', () => {
    const device = new Device()
    device.touched(1)
    expect(device.feel({ userIdleMs: null }).after(100).mode).toBe('suspend')
    expect(device.after(80).mode).toBe('run')
  })
})

describe('other CPU use', () => {
  test('over 25 % for 10 s slows down, then pauses; under 15 % for 30 s resumes', () => {
    const device = new Device().feel({ otherCpu: 0.31 })
    expect(device.after(10).mode).toBe('run')
    expect(device.after(1)).toMatchObject({ mode: 'throttle', cpuShare: 0.25 })
    expect(first(device.last)).toBe('slowed to 25 %: 31 % other CPU for 10 s')
    expect(device.after(10).mode).toBe('suspend')
    expect(first(device.last)).toBe('paused: 31 % other CPU for 20 s')
    device.after(100)
    device.feel({ otherCpu: 0.2 }).after(100)
    expect(device.last.mode).not.toBe('run')
    device.feel({ otherCpu: 0.1 })
    expect(device.after(30).mode).not.toBe('run')
    expect(first(device.last)).toBe('paused: other programs were busy until 29 s ago')
    expect(device.after(1).mode).toBe('run')
  })

  test('for less than 10 s changes nothing', () => {
    const device = new Device()
    for (let i = 0; i < 20; i++) {
      expect(device.feel({ otherCpu: 0.9 }).after(9).mode).toBe('run')
      expect(device.feel({ otherCpu: 0.05 }).after(1).mode).toBe('run')
    }
  })
})

describe('power', () => {
  test('pulled pauses after 5 s, and plugged in for 30 s resumes', () => {
    const device = new Device().feel({ isPlugged: false })
    expect(device.secondsUntil('suspend')).toBe(6)
    expect(first(device.last)).toBe('paused: on battery for 5 s')
    device.after(114)
    expect(device.feel({ isPlugged: true }).secondsUntil('run')).toBe(31)
  })

  test('on battery is fine where the owner allows it, until the battery is lower', () => {
    const unplugged = { stopAfterMs: 5000, resumeAfterMs: 30_000, allowedFrom: 0.9, allowedTo: 0.85 }
    const device = new Device({ unplugged, batteryLevel: undefined }).feel({ isPlugged: false, batteryLevel: 0.95 })
    expect(device.after(100).mode).toBe('run')
    expect(device.feel({ batteryLevel: 0.86 }).after(100).mode).toBe('run')
    expect(device.feel({ batteryLevel: 0.84 }).after(10).mode).toBe('suspend')
    expect(device.feel({ batteryLevel: 0.88 }).after(500).mode).not.toBe('run')
    expect(device.feel({ batteryLevel: 0.9 }).after(31).mode).toBe('run')
  })

  test('with the battery under 80 % pauses at once, until it holds 90 %', () => {
    const device = new Device().feel({ batteryLevel: 0.79 })
    expect(device.after(1).mode).toBe('suspend')
    expect(first(device.last)).toBe('paused: battery at 79 %, wanted 90 %')
    expect(device.feel({ batteryLevel: 0.89 }).after(300).mode).not.toBe('run')
    expect(device.feel({ batteryLevel: 0.9 }).after(1).mode).toBe('run')
  })
})

describe('warmth', () => {
  test('takes a quarter away every 5 s, and gives it back when it has cooled, a minute apart', () => {
    const device = new Device().feel({ cpuCelsius: 86 })
    const shares: number[] = []
    for (let i = 0; i < 21; i++) shares.push(device.after(1).cpuShare)
    expect([...new Set(shares)]).toEqual([1, 0.75, 0.5, 0.25, 0])
    expect(device.last.mode).toBe('suspend')
    expect(first(device.last)).toBe('paused: CPU at 86 °C')
    device.feel({ cpuCelsius: 80 }).after(60)
    expect(device.last.cpuShare).toBe(0)
    device.feel({ cpuCelsius: 60 })
    const back: [seconds: number, share: number][] = []
    for (let i = 1, last = 0; i < 500; i++) {
      const { cpuShare } = device.after(1)
      if (cpuShare !== last) back.push([i, (last = cpuShare)])
    }
    // While five changes settle, it cools on; so it comes back by more than a quarter.
    expect(back.map(([, share]) => share)).toEqual([0.75, 1])
    back.slice(1).forEach(([seconds], i) => expect(seconds - back[i]![0]).toBeGreaterThanOrEqual(60))
  })

  test.each([
    [{ batteryCelsius: 41 }, 'slowed to 75 %: battery at 41 °C'],
    [{ thermalPressure: 'serious' as const }, 'slowed to 75 %: thermal pressure is serious'],
  ])('is felt from every sensor: %j', (signals, text) => {
    expect(first(new Device().feel(signals).after(6))).toBe(text)
  })

  test.each([[{ cpuCelsius: 96 }], [{ batteryCelsius: 46 }], [{ thermalPressure: 'critical' as const }]])(
    'that is critical ends everything at once: %j',
    (signals) => {
      expect(new Device().feel(signals).after(1)).toMatchObject({ mode: 'evict', cpuShare: 0, maxTasks: 0 })
    },
  )
})

describe('memory', () => {
  test('under 15 % for 5 s sends the newest task away, one every 5 s, and takes no more until 25 %', () => {
    const device = new Device().feel({ memoryFree: 0.1 })
    const evictions: number[] = []
    for (let second = 1; second <= 13; second++) {
      const { evictNewest } = device.after(1)
      if (!evictNewest) continue
      evictions.push(second)
      expect(device.last.maxTasks).toBe(device.signals.tasks - 1)
      device.feel({ tasks: device.signals.tasks - 1 })
    }
    expect(evictions).toEqual([6, 11])
    expect(first(device.last)).toBe('no more tasks: 10 % memory free')
    expect(device.feel({ memoryFree: 0.2 }).after(100)).toMatchObject({ mode: 'run', maxTasks: 1, evictNewest: false })
    expect(device.feel({ memoryFree: 0.3 }).after(31)).toMatchObject({ mode: 'run', maxTasks: 4 })
  })

  test('of our own over the cap does the same', () => {
    const device = new Device({ memoryCapBytes: 1000 }).feel({ ownMemoryBytes: 1001 })
    device.after(6)
    expect(device.last.evictNewest).toBe(true)
    expect(first(device.last)).toBe('newest task leaves: tasks hold more memory than you allow')
  })
})

describe('the network', () => {
  test.each([
    ['metered', 'inputs and results wait: the network is metered'],
    ['save_data', 'inputs and results wait: the network saves data'],
    ['offline', 'inputs and results wait: offline'],
  ] as const)('%s makes inputs and results wait, while tasks run on', (network, text) => {
    const decision = new Device().feel({ network }).after(1)
    expect(decision).toMatchObject({ mode: 'run', usesNetwork: false })
    expect(first(decision)).toBe(text)
  })
})

describe('the owner', () => {
  test.each([
    [{ isFullScreen: true }, 'paused: a program fills the screen'],
    [{ isBatterySaver: true }, 'paused: battery saver is on'],
    [{ snoozedUntil: 1_000_000 + 120_000 }, 'paused: snoozed for 59 s more'],
  ])('is not disturbed: %j', (signals, text) => {
    const device = new Device().feel(signals)
    expect(device.after(1).mode).toBe('suspend')
    expect(first(device.last)).toBe(text)
  })

  test('lends in certain hours, past midnight too', () => {
    const night = { weekdays: [1, 2], fromMinute: 22 * 60, toMinute: 6 * 60 }
    const device = new Device({ windows: [night] })
    expect(first(device.last)).toBe('paused: outside of the hours you lend')
    const at = (weekday: number, minute: number) => isWithin({ weekday, minute }, night)
    expect([at(1, 1319), at(1, 1320), at(2, 0), at(3, 359), at(3, 360), at(1, 100)]).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test('has nothing to wait for after a change of mind', () => {
    const device = new Device().feel({ snoozedUntil: Number.MAX_SAFE_INTEGER })
    device.after(1)
    device.state = FRESH_POLICY_STATE
    expect(device.feel({ snoozedUntil: undefined }).after(1).mode).toBe('run')
  })
})

describe('what is paused', () => {
  test('leaves after two minutes, and says why', () => {
    const device = new Device().feel({ isFullScreen: true })
    expect(device.secondsUntil('suspend')).toBe(1)
    expect(device.secondsUntil('evict')).toBe(120)
    expect(device.last.reasons.map(({ text }) => text)).toEqual([
      'paused: a program fills the screen',
      'leaving: paused for 2 min',
    ])
  })

  test('resumes at once after a long calm, and settles after a short one', () => {
    const device = new Device()
    device.feel({ isFullScreen: true }).after(1)
    expect(device.feel({ isFullScreen: false }).after(1).mode).toBe('suspend')
    expect(first(device.last)).toBe('paused: settling for 58 s more')
    expect(device.secondsUntil('run')).toBe(58)
    device.after(600)
    device.feel({ isFullScreen: true }).after(1)
    expect(device.feel({ isFullScreen: false }).after(1).mode).toBe('run')
  })
})

describe('however sensors flap', () => {
  const flapping = fc.record({
    userIdleMs: fc.constantFrom(null, 0, 3_600_000),
    otherCpu: fc.constantFrom(null, 0, 0.2, 0.9),
    isPlugged: fc.constantFrom(null, true, false),
    batteryLevel: fc.constantFrom(null, 0.5, 0.85, 1),
    cpuCelsius: fc.constantFrom(null, 40, 80, 88, 99),
    batteryCelsius: fc.constantFrom(null, 20, 41),
    thermalPressure: fc.constantFrom(null, 'nominal' as const, 'serious' as const, 'critical' as const),
    memoryFree: fc.constantFrom(null, 0.05, 0.2, 0.5),
    isFullScreen: fc.constantFrom(null, true, false),
    isBatterySaver: fc.boolean(),
    tasks: fc.nat(4),
  })
  const lives = fc.array(fc.tuple(flapping, fc.integer({ min: 1, max: 90 })), { minLength: 1, maxLength: 60 })

  test('changes come to at most one a minute', () => {
    fc.assert(
      fc.property(lives, fc.constantFrom('server' as const, 'desktop' as const, 'laptop' as const), (life, preset) => {
        const device = new Device({}, preset)
        const changes: number[] = []
        let before = standingOf(device.last)
        for (const [signals, seconds] of life) {
          device.feel(signals)
          for (let i = 0; i < seconds; i++) {
            const standing = standingOf(device.after(1))
            if (standing !== before) changes.push(device.now)
            before = standing
          }
        }
        // Going down is never held back, so a fall from full to nothing may come at once, on top of one a minute.
        const stepsDown = 6
        for (let i = 0; i < changes.length; i++) {
          for (let j = i; j < changes.length; j++) {
            expect(j - i + 1).toBeLessThanOrEqual((changes[j]! - changes[i]!) / 60_000 + 1 + stepsDown)
          }
        }
        const minutes = (device.now - 1_000_000) / 60_000
        expect(changes.length).toBeLessThanOrEqual(minutes + stepsDown)
      }),
      { numRuns: 80 },
    )
  })

  test('every decision is whole: a reason, shares that fit the mode, and a state that survives being stored', () => {
    fc.assert(
      fc.property(lives, (life) => {
        const device = new Device()
        for (const [signals, seconds] of life) {
          const decision = device.feel(signals).after(Math.min(seconds, 20))
          expect(decision.reasons.length).toBeGreaterThan(0)
          expect(decision.cpuShare > 0).toBe(decision.mode === 'run' || decision.mode === 'throttle')
          expect(decision.maxTasks).toBeGreaterThanOrEqual(0)
          expect(decision.cpuShare).toBeLessThanOrEqual(1)
          device.state = JSON.parse(JSON.stringify(decision.state)) as PolicyState
        }
      }),
      { numRuns: 40 },
    )
  })
})

function standingOf({ mode, cpuShare }: Decision): string {
  return `${mode} ${cpuShare}`
}

test('a device offers what its policy leaves of it', () => {
  const device = { name: 'x', cores: 8, processor: '', memoryBytes: 2 ** 34, arch: 'x64', os: 'linux', osRelease: '' }
  expect(capacityOf(device, presetPolicy('laptop', device), 2 ** 40)).toEqual({
    cores: 6,
    memoryBytes: 2 ** 32,
    diskBytes: 2 ** 38,
    maxTasks: 6,
  })
  const tiny = { ...device, cores: 1, memoryBytes: 2 ** 27 }
  expect(capacityOf(tiny, presetPolicy('laptop', tiny), -1)).toMatchObject({ cores: 1, maxTasks: 1, diskBytes: 0 })
})
