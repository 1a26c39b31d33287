import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ManualClock } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownMsOf } from './cpu-use.ts'
import { deviceFacts } from './device-facts.ts'
import { type Machine, thisMachine } from './machine.ts'
import { darwinPower } from './power.ts'
import { Sensors } from './sensors.ts'
import { darwinIdle, parseSessions } from './user-idle.ts'

const OWN_PID = 100

let folder: string
let answers: Record<string, string>
const clock = new ManualClock(Date.UTC(2026, 0, 5, 12))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fog-sensors-'))
  answers = {}
})

afterEach(() => rmSync(folder, { recursive: true }))

function lay(files: Readonly<Record<string, string | number>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `${text}\n`)
  }
}

async function ask(...command: string[]): Promise<string | undefined> {
  return Promise.resolve(answers[command.slice(0, 2).join(' ')] ?? answers[command[0]!])
}

function machine(platform: NodeJS.Platform = 'linux'): Machine {
  return { platform, proc: join(folder, 'proc'), sys: join(folder, 'sys'), env: { DISPLAY: ':0' }, ask }
}

function sensors(platform?: NodeJS.Platform): Sensors {
  return new Sensors({ clock, machine: machine(platform) }, { ownPid: OWN_PID })
}

const read = async (from = sensors()) => from.read({ tasks: 0, snoozedUntil: undefined })

/** Files as a ThinkPad has them: two batteries, a wireless mouse, and the processor's own sensors. */
function layLaptop({ online = 1, status = 'Charging' } = {}): void {
  lay({
    'sys/class/power_supply/AC/type': 'Mains',
    'sys/class/power_supply/AC/online': online,
    'sys/class/power_supply/BAT0/type': 'Battery',
    'sys/class/power_supply/BAT0/status': status,
    'sys/class/power_supply/BAT0/energy_now': 18_000_000,
    'sys/class/power_supply/BAT0/energy_full': 20_000_000,
    'sys/class/power_supply/BAT0/capacity': 89,
    'sys/class/power_supply/BAT0/temp': 312,
    'sys/class/power_supply/BAT1/type': 'Battery',
    'sys/class/power_supply/BAT1/status': 'Full',
    'sys/class/power_supply/BAT1/capacity': 100,
    'sys/class/power_supply/hidpp_battery_0/type': 'Battery',
    'sys/class/power_supply/hidpp_battery_0/scope': 'Device',
    'sys/class/power_supply/hidpp_battery_0/capacity': 5,
    'sys/class/thermal/thermal_zone0/type': 'acpitz',
    'sys/class/thermal/thermal_zone0/temp': 27_800,
    'sys/class/thermal/thermal_zone1/type': 'x86_pkg_temp',
    'sys/class/thermal/thermal_zone1/temp': 61_000,
    'sys/firmware/acpi/platform_profile': 'balanced',
    'proc/meminfo': 'MemTotal:       16000000 kB\nMemFree:          500000 kB\nMemAvailable:    4000000 kB',
    'proc/uptime': '12345.67 40000.00',
  })
}

describe('a laptop', () => {
  test('on the mains says so, with its charge and its warmth', async () => {
    layLaptop()
    const source = '/sys/class/power_supply'
    expect(await read()).toMatchObject({
      isPlugged: { value: true, source },
      batteryLevel: { value: 0.95, source },
      batteryCelsius: { value: 31.2, source },
      isBatterySaver: { value: false, source: 'the platform profile' },
      cpuCelsius: { value: 61, source: '/sys/class/thermal' },
      memoryFree: { value: 0.25, source: '/proc/meminfo' },
      network: { value: null, source: 'NetworkManager does not say' },
      userIdleMs: { value: null, source: 'neither X11 nor logind answers' },
    })
  })

  test('on its battery says so', async () => {
    layLaptop({ online: 0, status: 'Discharging' })
    expect((await read()).isPlugged.value).toBe(false)
  })

  test('on a charger that its battery does not count as mains is plugged in by what the battery does', async () => {
    layLaptop()
    rmSync(join(folder, 'sys/class/power_supply/AC'), { recursive: true })
    expect((await read()).isPlugged.value).toBe(true)
    lay({ 'sys/class/power_supply/BAT0/status': 'Discharging' })
    expect((await read()).isPlugged.value).toBe(false)
    lay({ 'sys/class/power_supply/BAT0/status': 'Unknown', 'sys/class/power_supply/BAT1/status': 'Unknown' })
    expect((await read()).isPlugged).toEqual({ value: null, source: '/sys/class/power_supply does not say' })
  })

  test('prefers the driver that measures the processor', async () => {
    layLaptop()
    lay({
      'sys/class/hwmon/hwmon3/name': 'k10temp',
      'sys/class/hwmon/hwmon3/temp1_input': 70_250,
      'sys/class/hwmon/hwmon3/temp3_input': 0,
      'sys/class/hwmon/hwmon4/name': 'nvme',
      'sys/class/hwmon/hwmon4/temp1_input': 88_000,
    })
    expect((await read()).cpuCelsius).toEqual({ value: 70.25, source: '/sys/class/hwmon' })
  })

  test('in a container goes by the container when that is nearer to full', async () => {
    layLaptop()
    lay({
      'sys/fs/cgroup/memory.max': 1000,
      'sys/fs/cgroup/memory.current': 950,
      'sys/fs/cgroup/memory.stat': 'anon 10\ninactive_file 50\nactive_file 3',
    })
    expect((await read()).memoryFree).toEqual({ value: 0.1, source: 'the limit of our cgroup' })
  })

  test('on a metered network says so, and is not asked again within half a minute', async () => {
    layLaptop()
    const same = sensors()
    answers['nmcli'] = 'GENERAL.METERED:no (guessed)\n\nGENERAL.METERED:yes\n'
    expect((await read(same)).network).toEqual({ value: 'metered', source: 'NetworkManager' })
    answers['nmcli'] = 'GENERAL.METERED:no\n'
    clock.advance(29_000)
    expect((await read(same)).network.value).toBe('metered')
    clock.advance(1000)
    expect((await read(same)).network.value).toBe('free')
  })
})

describe('a machine without sensors', () => {
  test('says of each why nobody knows', async () => {
    const signals = await read()
    for (const { value, source } of [signals.batteryLevel, signals.cpuCelsius, signals.memoryFree, signals.otherCpu]) {
      expect(value).toBeNull()
      expect(source).not.toBe('')
    }
    expect(signals.isPlugged).toEqual({ value: null, source: 'there is no /sys/class/power_supply' })
  })

  test('and without a battery runs on the mains', async () => {
    mkdirSync(join(folder, 'sys/class/power_supply'), { recursive: true })
    expect((await read()).isPlugged).toEqual({ value: true, source: 'no battery in /sys/class/power_supply' })
  })

  test.each(['win32', 'freebsd'] as const)('on %s says what is not read there', async (platform) => {
    const signals = await read(sensors(platform))
    expect(signals.userIdleMs).toEqual({ value: null, source: `not read on ${platform}` })
    expect(signals.isPlugged.value).toBeNull()
    expect(signals.memoryFree.value).toBeGreaterThan(0)
  })
})

/** A /proc/[pid]/stat line with its CPU times; the name holds what would confuse a careless reader. */
function stat(pid: number, parent: number, ticks: readonly [number, number, number, number]): string {
  return `${pid} (a) R 1 (b c) S ${parent} 1 1 0 -1 4194560 0 0 0 0 ${ticks.join(' ')} 20 0 1 0 100 0 0`
}

function layCpu(
  busy: number,
  idle: number,
  own: Readonly<Record<number, readonly [parent: number, ticks: number]>>,
): void {
  lay({ 'proc/stat': `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0` })
  for (const [pid, [parent, ticks]] of Object.entries(own)) {
    lay({ [`proc/${pid}/stat`]: stat(Number(pid), parent, [ticks, 0, 0, 0]) })
  }
}

function layChildren(lists: Readonly<Record<number, string>>): void {
  for (const [pid, list] of Object.entries(lists)) lay({ [`proc/${pid}/task/${pid}/children`]: list })
}

describe('the load of others', () => {
  test.each([
    ['by the kernel’s lists of children', () => layChildren({ 100: '200', 200: '300', 300: '' })],
    ['by the parents of all processes', () => undefined],
  ])('is all load without our own tree, %s', async (_how, listChildren) => {
    const same = sensors()
    layCpu(1000, 1000, { 1: [0, 500], 100: [1, 100], 200: [100, 100], 300: [200, 100], 400: [1, 200] })
    listChildren()
    expect((await read(same)).otherCpu).toEqual({
      value: null,
      source: 'the first reading has nothing to compare with',
    })
    // 100 of 200 ticks busy: 60 by us, 31 by process 400, the rest by nobody we see.
    layCpu(1100, 1100, { 100: [1, 110], 200: [100, 120], 300: [200, 130], 400: [1, 231] })
    expect((await read(same)).otherCpu).toEqual({ value: 0.2, source: '/proc/stat without our own processes' })
  })

  test('does not count a child of ours that ended as somebody else', async () => {
    const same = sensors()
    layCpu(1000, 1000, { 100: [1, 100], 200: [100, 50] })
    await read(same)
    rmSync(join(folder, 'proc/200'), { recursive: true })
    lay({ 'proc/stat': 'cpu  1080 0 0 1020 0 0 0 0 0 0', 'proc/100/stat': stat(100, 1, [100, 0, 120, 10]) })
    expect((await read(same)).otherCpu.value).toBe(0)
  })

  test('is what it was when no time has passed', async () => {
    const same = sensors()
    layCpu(1000, 1000, { 100: [1, 0] })
    await read(same)
    layCpu(1050, 1050, { 100: [1, 0] })
    expect((await read(same)).otherCpu.value).toBe(0.5)
    expect((await read(same)).otherCpu.value).toBe(0.5)
  })

  test('comes with the memory that our own tree holds', async () => {
    layCpu(1, 1, { 100: [1, 0], 200: [100, 0] })
    lay({ 'proc/100/status': 'Name:\tnode\nVmRSS:\t   1000 kB', 'proc/200/status': 'Name:\tnode\nVmRSS:\t     24 kB' })
    expect((await read()).ownMemoryBytes).toEqual({ value: 1024 * 1024, source: '/proc' })
  })

  test('on macOS adds up a tree of processes by their times', () => {
    const table =
      '    1     0   1:00.00\n  100     1   0:01.50\n  200   100   0:00.25\n  300   200   1:00:00.00\n  400     1   9:00.00\n'
    expect(ownMsOf(table, 100)).toBe(3_601_750)
  })
})

function session(facts: Readonly<Record<string, string | number>>): string {
  const all = { Class: 'user', State: 'active', Type: 'wayland', IdleHint: 'no', IdleSinceHint: 0, ...facts }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}

function terminal(idleMs: number): string {
  return session({ Type: 'tty', IdleSinceHint: (clock.now() - idleMs) * 1000 })
}

async function logind(...sessions: string[]) {
  answers['loginctl list-sessions'] = sessions.map((_, i) => `     ${i} 1000 ada seat0 tty2`).join('\n')
  answers['loginctl show-session'] = sessions.join('\n\n')
  return (await read()).userIdleMs
}

describe('somebody being there', () => {
  test('is known to the millisecond from X11', async () => {
    answers['xprintidle'] = '4321\n'
    expect((await read()).userIdleMs).toEqual({ value: 4321, source: 'X11' })
  })

  test('is known from logind: a desktop is in use until it says that it is idle', async () => {
    expect(await logind(session({ IdleSinceHint: (clock.now() - 900_000) * 1000 }))).toEqual({
      value: 0,
      source: 'logind',
    })
    const idle = session({ IdleHint: 'yes', IdleSinceHint: (clock.now() - 300_000) * 1000 })
    expect((await logind(idle)).value).toBe(300_000)
  })

  test('is known from a terminal by its last input, and by the busiest of several sessions', async () => {
    expect((await logind(terminal(5000), terminal(90_000))).value).toBe(5000)
  })

  test('is not somebody who has left, nor the log-in screen', async () => {
    lay({ 'proc/uptime': '600.00 1000.00' })
    const value = { value: 600_000, source: 'logind: nobody is logged in' }
    expect(await logind(session({ State: 'closing' }), session({ Class: 'greeter' }))).toEqual(value)
    expect(await logind()).toEqual(value)
  })

  test('is read from blocks that hold anything else too', () => {
    expect(parseSessions('Class=user\nState=online\nDisplay=\n\n\nnonsense')).toEqual([
      { isGraphical: true, isIdle: false, since: 0 },
    ])
  })
})

describe('a Mac', () => {
  test('says what pmset and ioreg print', () => {
    const battery =
      "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t87%; discharging; 4:21 remaining present: true\n"
    expect(darwinPower(battery)).toMatchObject({ isPlugged: { value: false }, batteryLevel: { value: 0.87 } })
    expect(darwinPower("Now drawing from 'AC Power'\n")).toMatchObject({
      isPlugged: { value: true },
      batteryLevel: { value: null },
    })
    expect(darwinPower('').isPlugged.value).toBeNull()
    expect(darwinIdle('    |   "HIDIdleTime" = 2500000000\n').value).toBe(2500)
    expect(darwinIdle('').value).toBeNull()
  })
})

describe('this machine', () => {
  test('has facts, and every reading is a value or a reason', async () => {
    const facts = deviceFacts()
    expect(facts.cores).toBeGreaterThan(0)
    expect(facts.memoryBytes).toBeGreaterThan(2 ** 27)
    const here = new Sensors({ clock, machine: thisMachine({}) }, { ownPid: process.pid })
    await read(here)
    for (const [name, reading] of Object.entries(await read(here))) {
      if (name === 'tasks' || name === 'snoozedUntil') continue
      expect(reading).toMatchObject({ source: expect.stringMatching(/./) as string })
    }
  })

  test('gives no answer for a command it lacks', async () => {
    expect(await thisMachine({}).ask('fog-no-such-command')).toBeUndefined()
  })
})
