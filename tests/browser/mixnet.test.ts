import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRules, signAdmission, uploadEpochAt } from '@fog/betanet/directory'
import { seedOf, TestNode } from '@fog/betanet/testing'
import type { Client } from '@fog/contract'
import { toHex } from '@fog/kernel'
import { keyPairFromSeed } from '@fog/kernel/node'
import { expectAccessible, expectNoSidewaysScroll, launch, live, logIn, shoot, visit } from './browser.ts'
import { ADA, makeAdmin } from './people.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Epochs short enough for a test; mixes that send loops often, so that there is something to count. */
const NETWORK = {
  FOG_MIXNET_EPOCH_SECONDS: '6',
  FOG_MIXNET_DELAYS_MS: '2',
  FOG_MIXNET_MIX_LOOP_MS: '250',
  FOG_MIXNET_NODES_PER_LAYER: '3',
}
const NODES = ['birch', 'cedar', 'elm', 'fir', 'oak', 'gate-a', 'gate-b'] as const
const SHOWN = "ada's own"
const TABS = ['network', 'flow', 'consensus', 'nodes'] as const
/** A few epochs. */
const SOON = { timeout: 90_000, interval: 500 }

let platform: Platform
let browser: Browser
let ada: Client
let killElm: () => Promise<void>
let ownNode: () => string

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(NETWORK), launch()])
  ada = await makeAdmin(platform)
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

const inside = async (options: Parameters<typeof visit>[2] = {}, path = '/mixnet') => {
  const there = await visit(browser, platform.url, options)
  await logIn(there.page, ADA.name, ADA.password)
  await there.page.goto(path)
  await there.page.getByRole('heading', { level: 1, name: /^Mixnet/ }).waitFor()
  return there
}

describe('a mixnet that begins', () => {
  test('says that there are no nodes yet, and how to come by one', async () => {
    const { context, page, complaints } = await inside()
    await page.getByText('no nodes yet', { exact: true }).waitFor()
    await page.getByText('The authorities agreed on epoch').waitFor()
    for (const tab of TABS) {
      await page.goto(`/mixnet?tab=${tab}`)
      await settled(page)
      await expectAccessible(page, `${tab} of an empty mixnet`)
      await shoot(page, `mixnet-empty-${tab}`)
    }
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a node is added by the command that is shown, and nodes appear by themselves', async () => {
    const { context, page, complaints } = await inside()
    await live(page)
    await page.getByRole('button', { name: 'Add a mix node' }).first().click()
    await page.getByRole('button', { name: 'Make the command' }).click()
    await page.getByText('Give it a name').waitFor()
    await page.getByLabel('Name of the node').fill(SHOWN)
    await expectAccessible(page, 'adding a mix node')
    await page.getByRole('button', { name: 'Make the command' }).click()
    const command = (await page.getByRole('dialog').locator('code').nth(1).textContent()) ?? ''
    expect(command).toMatch(/^FOG_JOIN_TOKEN=fogjoin_\S+ FOG_MIX_NAME='ada'\\''s own' fog mix run --url http/)
    await shoot(page, 'mixnet-add', 'screen')
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('tab', { name: 'Who may mix' }).click()
    await page.getByText('None of yours').waitFor()
    ownNode = platform.runInShell(command, { name: 'shown' })
    // It was admitted: the feed tells, and the list is read again.
    await page
      .getByRole('row', { name: new RegExp(SHOWN) })
      .getByText('admitted')
      .waitFor(SOON)

    await startNodes()
    await page.getByRole('tab', { name: 'Network' }).click()
    await page.getByText(/^epoch \d+$/).waitFor(SOON)
    await expect.poll(async () => page.getByRole('table').getByRole('row').count(), SOON).toBe(NODES.length + 2)
    expect(await page.content()).not.toContain(command.split(' ')[0])
    expect(complaints).toEqual([])
    await context.close()
  })
})

describe('the network', () => {
  test.each([
    ['light', false],
    ['dark', true],
  ] as const)('every part fits and is accessible, %s, on a phone: %s', async (theme, phone) => {
    await reported()
    const { context, page, complaints } = await inside({ theme, phone })
    for (const tab of TABS) {
      await page.goto(`/mixnet?tab=${tab}`)
      await settled(page)
      const where = `${tab} of the mixnet, ${theme}${phone ? ', phone' : ''}`
      await expectNoSidewaysScroll(page, where)
      await expectAccessible(page, where)
      await shoot(page, `mixnet-${tab}-${phone ? 'phone' : 'desktop'}-${theme}`)
    }
    await page.goto('/mixnet')
    await page.getByRole('table').getByRole('button', { name: 'birch' }).click()
    await page.getByRole('dialog', { name: 'birch' }).getByText('its own word').waitFor()
    await loaded(page)
    await expectAccessible(page, `a mix node, ${theme}`)
    await shoot(page, `mixnet-node-${phone ? 'phone' : 'desktop'}-${theme}`, 'screen')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('the picture and the table say the same, and the picture is walked by keyboard', async () => {
    const { context, page } = await inside()
    await settled(page)
    const picture = page.getByRole('group', { name: /^Network of epoch/ })
    const { nodes } = await ada.call('getMixTopology', {})
    expect(await picture.getByRole('button').count()).toBe(nodes.length)
    for (const node of nodes) {
      const button = picture.getByRole('button', { name: new RegExp(`^${node.name}, `) })
      expect(await button.getAttribute('aria-label')).toMatch(/weight [\d,]+, /)
    }
    expect(await picture.locator('button[tabindex="0"]').count()).toBe(1)
    // Begun anew when an epoch ends on the way: then everybody has another place.
    const way = ['gateway', 'layer 1', 'layer 2', 'layer 3', 'layer 2', 'layer 1']
    await expect.poll(() => walk(page), SOON).toEqual(way)
    const name = (await focused(page)).split(',')[0]!
    await page.keyboard.press('Enter')
    const panel = page.getByRole('dialog', { name })
    await panel.getByText('checked: the parts make it').waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await context.close()
  })

  test('what is shown of packets is what nodes reported, and drops have their reason', async () => {
    await reported()
    await killElm()
    const { context, page } = await inside({}, '/mixnet?tab=flow')
    await live(page)
    // Loops through the node that is gone stay at the one before it, and what was under way comes too late.
    const dropped = await untilAny(async () => {
      const { items } = await ada.call('listMixPlaceFlow', {})
      const reasons = items.flatMap(({ places }) => places.flatMap(({ drops }) => Object.entries(drops)))
      return reasons.filter(([, count]) => count > 0).map(([reason]) => reason)
    })
    for (const reason of new Set(dropped)) {
      const name = reason.replaceAll('_', ' ')
      await page
        .getByRole('listitem')
        .filter({ hasText: new RegExp(`^${name}: `, 'i') })
        .waitFor(SOON)
    }
    await page.getByRole('img', { name: /^Packets dropped of all nodes/ }).waitFor()
    await page.getByRole('img', { name: /^Packets a second of all nodes/ }).waitFor()
    await shoot(page, 'mixnet-drops')
    await page.getByText('Show as a table').click()
    await page.getByRole('table', { name: /^Packets dropped of all nodes/ }).waitFor()
    await expectAccessible(page, 'drops as a table')
    const { items } = await ada.call('listMixFlow', {})
    const flow = items[3]!
    const row = page.getByRole('table', { name: 'Packets of all nodes by epoch' }).getByRole('row', {
      name: new RegExp(`^${flow.epoch}\\D`),
    })
    await expect.poll(async () => row.textContent()).toContain(flow.received.toLocaleString('en'))
    await page.getByText('Layer 2', { exact: true }).click()
    await page.getByRole('table', { name: 'Packets of layer 2 by epoch' }).waitFor()
    await context.close()
  })
})

describe('trust', () => {
  test('the fingerprint is the one a node logged', async () => {
    const { context, page } = await inside({}, '/mixnet?tab=consensus')
    const [, logged = ''] = /fingerprint[^0-9a-f]+([0-9a-f]{64})/.exec(ownNode()) ?? []
    expect(logged).not.toBe('')
    await page.getByText(logged).waitFor()
    const authorities = page.getByRole('table', { name: 'Authorities of the mixnet' })
    await authorities.getByText('this one').waitFor()
    await authorities.getByText('signed', { exact: true }).waitFor()
    await page.getByText('None was found.').waitFor()
    await context.close()
  })

  test('who contradicts itself is shown as soon as it is found out', async () => {
    const { context, page, complaints } = await inside({}, '/mixnet?tab=consensus')
    await live(page)
    const culprit = await contradict()
    await page
      .getByRole('table', { name: /^Evidence/ })
      .getByText('sound')
      .waitFor()
    await page.getByRole('button', { name: `Copy ${culprit}` }).waitFor()
    await expectAccessible(page, 'evidence')
    await shoot(page, 'mixnet-evidence')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a node is revoked after a question, and leaves', async () => {
    const { context, page } = await inside({}, '/mixnet?tab=nodes')
    await live(page)
    await page.getByRole('button', { name: 'Revoke oak' }).click()
    const asks = page.getByRole('alertdialog', { name: 'Revoke oak?' })
    await expectAccessible(page, 'the question before revoking')
    await asks.getByRole('button', { name: 'Revoke it for good' }).click()
    const row = page.getByRole('row', { name: /^oak/ })
    await row.getByText('revoked').waitFor()
    await row.getByText('not listed').waitFor(SOON)
    await shoot(page, 'mixnet-revoked')
    await context.close()
  })

  test('a network without a consensus says that it stopped, and goes on by itself', async () => {
    const { context, page } = await inside()
    await page.getByText(/^epoch \d+$/).waitFor()
    // Without its keys a control plane makes no consensus, and serves its directory on.
    const keys = join(platform.dataDir, 'mixnet', 'authority.json')
    await platform.restart(() => rename(keys, `${keys}.away`))
    await page.getByText('stopped', { exact: true }).waitFor(SOON)
    await page.getByText(/^The network has stopped: its last consensus/).waitFor()
    await expectAccessible(page, 'a mixnet that stopped')
    await shoot(page, 'mixnet-stopped')
    await platform.restart(() => rename(`${keys}.away`, keys))
    await page.getByText(/^epoch \d+$/).waitFor(SOON)
    await context.close()
  })
})

test('a fog without a mixnet says so', async () => {
  const without = await startPlatform({ FOG_MIXNET: 'off' })
  try {
    await makeAdmin(without)
    const { context, page, complaints } = await visit(browser, without.url)
    await logIn(page, ADA.name, ADA.password)
    await page.getByRole('link', { name: 'Mixnet' }).click()
    await page.getByText('No mixnet here').waitFor()
    await expectAccessible(page, 'no mixnet')
    await shoot(page, 'mixnet-off')
    expect(complaints).toEqual([])
    await context.close()
  } finally {
    await without.stop()
  }
})

async function startNodes(): Promise<void> {
  const { secret } = await ada.call('addJoinToken', { body: { name: 'mixes', uses: NODES.length, hours: 1 } })
  const started = await Promise.all(
    NODES.map((name) =>
      platform.startMix({ name, joinToken: secret, role: name.startsWith('gate') ? 'gateway' : 'mix' }),
    ),
  )
  killElm = started[NODES.indexOf('elm')]!.kill
}

/** Asks until there is anything, and answers that. */
async function untilAny<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let found: readonly T[] = []
  await expect.poll(async () => (found = await ask()).length, SOON).toBeGreaterThan(0)
  return found
}

/** Waits until a few epochs were reported, with packets in them. */
async function reported(): Promise<void> {
  await expect
    .poll(async () => (await ada.call('listMixFlow', {})).items.filter(({ received }) => received > 0).length, SOON)
    .toBeGreaterThanOrEqual(4)
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('tabpanel').waitFor()
  await loaded(page)
}

async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('[role="status"][aria-label^="Loading"]') === null)
}

/** The places of nodes that arrow keys lead to, from a gateway to the right and back. */
async function walk(page: Page): Promise<(string | undefined)[]> {
  await page
    .getByRole('button', { name: /, gateway, weight/ })
    .first()
    .focus()
  const places = [await focused(page)]
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowLeft']) {
    await page.keyboard.press(key)
    places.push(await focused(page))
  }
  return places.map((label) => label.split(', ')[1])
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '')
}

/** A node that signs two descriptors of one epoch; answers its identity key. */
async function contradict(): Promise<string> {
  const view = await ada.call('getMixnet', {})
  const rules = readRules(view.rules)
  const node = new TestNode('two-faced')
  const identityKey = toHex(node.id)
  const proof = toHex(signAdmission(rules.network, keyPairFromSeed(seedOf('node two-faced')).secretKey))
  const { operator } = await ada.call('addMixNode', { body: { identityKey, proof, name: 'two-faced' } })
  const epoch = uploadEpochAt(rules.schedule, view.now)
  for (const packetsPerSecond of [1, 2]) {
    const bytes = node.bytes(epoch, undefined, { network: rules.network, operator, packetsPerSecond })
    await ada.raw('publishMixDescriptor', {}, new Blob([bytes as BlobPart])).catch(() => undefined)
  }
  return identityKey
}
