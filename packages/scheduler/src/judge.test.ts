import type { NodeId } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerOf, judge, voices, type Judgement, type JudgeRules, type ReportedAttempt } from './judge.ts'
import type { FailureReason, Report } from './task.ts'
import { Fixtures } from './testing/index.ts'

const some = new Fixtures()
const { tasks } = some.job()
const nobodyTrusted: JudgeRules = { quorum: 2, extraReplicas: 1, isTrusted: () => false }
const allTrusted: JudgeRules = { ...nobodyTrusted, isTrusted: () => true }

/** One reported attempt for each answer: `a`, `b` are results, anything longer the reason of a failure. */
function reports(...answers: string[]): ReportedAttempt[] {
  return answers.map((answer, i) => ({
    ...some.attempt(tasks[0]!, { fence: i + 1, status: 'reported' }),
    report: answer.length === 1 ? result(answer) : failure(answer as FailureReason, `words of node ${i}`),
  }))
}

function result(letter: string): Report {
  return some.report({ digest: letter.repeat(64) })
}

function failure(reason: FailureReason, detail: string): Report {
  return some.report({ outcome: { ok: false, failure: { reason, detail } }, digest: detail, exitCode: 1 })
}

const ids = (attempts: readonly ReportedAttempt[], ...places: number[]) => places.map((i) => attempts[i]!.attemptId)

describe('a single result', () => {
  const single = { ...nobodyTrusted, quorum: 1 }

  test('is accepted at once', () => {
    const given = reports('a')
    expect(judge(given, single)).toEqual({ kind: 'done', agreed: ids(given, 0), dissent: [] })
  })

  test('that is a failure fails with its reason', () => {
    const given = reports('trapped')
    expect(judge(given, single)).toMatchObject({
      kind: 'failed',
      failure: { reason: 'trapped', detail: 'words of node 0' },
      agreed: ids(given, 0),
    })
  })
})

describe('a quorum of two', () => {
  test('waits for the second result', () => {
    expect(judge([], nobodyTrusted)).toEqual({ kind: 'wait', more: 2 })
    expect(judge(reports('a'), nobodyTrusted)).toEqual({ kind: 'wait', more: 1 })
  })

  test('accepts two that agree', () => {
    const given = reports('a', 'a')
    expect(judge(given, nobodyTrusted)).toEqual({ kind: 'done', agreed: ids(given, 0, 1), dissent: [] })
  })

  test('asks for a third when two disagree, and names the one who stood alone', () => {
    expect(judge(reports('a', 'b'), nobodyTrusted)).toEqual({ kind: 'wait', more: 1 })
    const given = reports('a', 'b', 'b')
    expect(judge(given, nobodyTrusted)).toEqual({ kind: 'done', agreed: ids(given, 1, 2), dissent: ids(given, 0) })
  })

  test('gives up after three different results and punishes nobody', () => {
    expect(judge(reports('a', 'b', 'c'), nobodyTrusted)).toMatchObject({
      kind: 'no_agreement',
      failure: { reason: 'no_agreement', detail: '3 nodes gave 3 different results, and 2 had to agree' },
      agreed: [],
      dissent: [],
    })
  })

  test('holds the program to vary when trusted nodes disagree twice', () => {
    expect(judge(reports('a', 'b', 'c'), allTrusted)).toMatchObject({ kind: 'nondeterministic', dissent: [] })
  })

  test('does not hold the program to vary because of nodes nobody trusts', () => {
    const given = reports('a', 'b', 'c')
    const trusted = new Set<NodeId>([given[0]!.nodeId, given[2]!.nodeId])
    const rules = { ...nobodyTrusted, isTrusted: (nodeId: NodeId) => trusted.has(nodeId) }
    expect(judge(given, rules).kind).toBe('no_agreement')
  })

  test('agrees on a failure by its reason, however each engine words it', () => {
    const given = reports('trapped', 'trapped')
    expect(given[0]!.report.digest).not.toBe(given[1]!.report.digest)
    expect(judge(given, nobodyTrusted)).toMatchObject({ kind: 'failed', agreed: ids(given, 0, 1) })
  })

  test('does not blame a node that was only too slow', () => {
    const given = reports('wall_exceeded', 'a', 'a')
    expect(judge(given, nobodyTrusted)).toEqual({ kind: 'done', agreed: ids(given, 1, 2), dissent: [] })
    const lied = reports('trapped', 'a', 'a')
    expect(judge(lied, nobodyTrusted)).toMatchObject({ dissent: ids(lied, 0) })
  })

  test('does not let one owner agree with himself', () => {
    const given = reports('a', 'a')
    const same = [given[0]!, { ...given[1]!, ownerId: given[0]!.ownerId }]
    expect(judge(same, nobodyTrusted)).toEqual({ kind: 'wait', more: 1 })
  })
})

test('a quorum of three ends as soon as agreement is out of reach', () => {
  const rules = { ...nobodyTrusted, quorum: 3 }
  expect(judge(reports('a', 'a', 'b'), rules)).toEqual({ kind: 'wait', more: 1 })
  expect(judge(reports('a', 'b', 'c'), rules).kind).toBe('no_agreement')
})

describe('whatever is reported', () => {
  const people = fc.integer({ min: 0, max: 4 })
  const answers = fc.constantFrom('a', 'b', 'c', 'trapped', 'wall_exceeded')
  const story = fc.array(fc.record({ answer: answers, owner: people, trusted: fc.boolean() }), { maxLength: 8 })
  const owners = Array.from({ length: 5 }, () => some.id('account'))

  function tell(events: { answer: string; owner: number }[]): ReportedAttempt[] {
    return reports(...events.map(({ answer }) => answer)).map((attempt, i) => ({
      ...attempt,
      ownerId: owners[events[i]!.owner]!,
    }))
  }

  test('the order of arrival does not matter', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat()), (events, quorum, chance) => {
        const given = tell(events)
        const rules = { ...nobodyTrusted, quorum }
        const shuffled = given
          .map((attempt) => ({ attempt, at: chance.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ attempt }) => attempt)
        expect(judge(shuffled, rules)).toEqual(judge(given, rules))
      }),
    )
  })

  test('a verdict rests on a quorum of distinct owners with one answer, and blames only those who said otherwise', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 5 }), (events, quorum) => {
        const given = tell(events)
        const judgement = judge(given, { ...nobodyTrusted, quorum })
        expect(faultsOf(given, quorum, judgement)).toEqual([])
      }),
    )
  })
})

function faultsOf(given: readonly ReportedAttempt[], quorum: number, judgement: Judgement): string[] {
  if (judgement.kind === 'wait') {
    const { more } = judgement
    return more > 0 && voices(given).length + more <= quorum + 1 ? [] : [`waits for ${more} more`]
  }
  const named = (list: readonly string[]) => given.filter(({ attemptId }) => list.includes(attemptId))
  const agreed = named(judgement.agreed)
  const dissent = named(judgement.dissent)
  if (judgement.kind === 'no_agreement' || judgement.kind === 'nondeterministic') {
    return agreed.length + dissent.length === 0 ? [] : ['names somebody without agreement']
  }
  const answers = new Set(agreed.map(({ report }) => answerOf(report)))
  return [
    ...(agreed.length >= quorum ? [] : ['fewer than the quorum agreed']),
    ...(new Set(agreed.map(({ ownerId }) => ownerId)).size === agreed.length ? [] : ['an owner agreed with himself']),
    ...(answers.size === 1 ? [] : ['the agreed differ']),
    ...(dissent.some(({ report }) => answers.has(answerOf(report))) ? ['blames one who agreed'] : []),
  ]
}
