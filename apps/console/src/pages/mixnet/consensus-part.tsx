import { useQuery } from '@tanstack/react-query'
import type { MixEvidenceView, MixnetRules, TopologyView } from '@fog/contract'
import {
  countOf,
  formatBytes,
  formatCount,
  formatDuration,
  formatExact,
  formatNumber,
  sentenceOf,
  UNKNOWN,
} from '../../format/format.ts'
import { Badge, State } from '../../parts/badge.tsx'
import { Card, Facts } from '../../parts/card.tsx'
import { CopyBlock, IdText } from '../../parts/copy.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { evidenceQuery, fingerprintsQuery, type Mixnet } from './queries.ts'

interface ConsensusPartProps {
  readonly mixnet: Mixnet
  readonly topology: TopologyView
}

/** What was agreed on, by whom, and which network this is. */
export function ConsensusPart({ mixnet, topology }: ConsensusPartProps) {
  const { rules } = mixnet
  const fingerprints = useQuery(fingerprintsQuery(rules))
  return (
    <div className="grid items-start gap-4 md:gap-5 lg:grid-cols-2">
      <Card title="Consensus" note="The one that holds now.">
        {topology.epoch === 0 ? (
          <p className="text-sm text-soft">There is none yet.</p>
        ) : (
          <Facts facts={factsOf(topology, rules)} />
        )}
      </Card>
      <Card
        title="Which network this is"
        note="Computed in this browser from the rules, as nodes do when they pin them."
      >
        <div className="space-y-3">
          <Resource query={fingerprints} lines={1} label="Loading the fingerprint">
            {({ network }) => <CopyBlock text={network} label="Copy the fingerprint" />}
          </Resource>
          <p className="text-sm text-soft">
            A node logs this fingerprint when it first meets the network, and{' '}
            <code className="font-mono text-[0.8125rem]">network:</code> in its configuration asks for it. Compare the
            two by a way that is not this server.
          </p>
          <Facts facts={ruleFacts(mixnet)} />
        </div>
      </Card>
      <Card
        flush
        className="lg:col-span-2"
        title="Authorities"
        note={`${formatCount(rules.threshold)} of ${formatCount(rules.authorities.length)} must sign a consensus. Keys are shown by their fingerprints.`}
      >
        <DataTable
          caption="Authorities of the mixnet"
          columns={AUTHORITY_COLUMNS}
          rows={authoritiesOf(mixnet, topology, fingerprints.data?.authorities)}
          rowId={({ signingKey }) => signingKey}
        />
      </Card>
      <Evidence />
    </div>
  )
}

function factsOf(topology: TopologyView, { schedule, threshold }: MixnetRules) {
  const { epoch, validAfter, freshUntil, validUntil, beacon, digest, signatures, nodes } = topology
  return [
    ['Epoch', formatCount(epoch)],
    ['In force', whenText(validAfter)],
    ['Superseded', whenText(freshUntil)],
    ['Worthless', validUntil === undefined ? `${formatDuration(schedule.epochMs)} later` : whenText(validUntil)],
    ['Nodes', formatCount(nodes.length)],
    ['Signed by', `${formatCount(signatures)}, of which ${formatCount(threshold)} are needed`],
    ['Beacon', beacon === undefined ? UNKNOWN : <IdText key="beacon" id={beacon} />],
    ['SHA-256', digest === undefined ? UNKNOWN : <IdText key="digest" id={digest} />],
  ] as const
}

function whenText(at: string | undefined) {
  if (at === undefined) return UNKNOWN
  return (
    <span key={at}>
      {formatExact(Date.parse(at))} (<Ago at={at} />)
    </span>
  )
}

function ruleFacts({ rules: { schedule, parameters }, admission }: Mixnet): readonly (readonly [string, string])[] {
  const { delayMeansSteps, payloadBytes, clientSendMeanMs, mixLoopMeanMs, nodesPerLayer, distinctOperators } =
    parameters
  return [
    ['Began', formatExact(schedule.genesisAt)],
    ['An epoch', formatDuration(schedule.epochMs)],
    ['Who may list', admission === 'anyone' ? 'anyone' : 'nodes that an account registered'],
    [
      'Delay at a hop',
      `${delayMeansSteps.map((steps) => formatNumber(steps / 10)).join(', ')} ms in the mean, by class`,
    ],
    ['Payload', payloadBytes.map(formatBytes).join(', ')],
    [
      'A client sends',
      clientSendMeanMs === 0 ? 'no cover' : `every ${formatDuration(clientSendMeanMs)} in the mean, real or cover`,
    ],
    ['A mix loops', mixLoopMeanMs === 0 ? 'never' : `every ${formatDuration(mixLoopMeanMs)} in the mean`],
    ['Seats in a layer', formatCount(nodesPerLayer)],
    [
      'Operators',
      distinctOperators === 'required'
        ? 'no way crosses two nodes of one'
        : 'ways avoid two nodes of one where they can',
    ],
  ]
}

interface AuthorityRow {
  readonly number: number
  readonly signingKey: string
  readonly fingerprint: string
  readonly isHere: boolean
  /** Unknown where the control plane does not tell. */
  readonly signed: boolean | undefined
}

function authoritiesOf(
  { rules, authority }: Mixnet,
  { signedBy, epoch }: TopologyView,
  fingerprints: readonly string[] | undefined,
): AuthorityRow[] {
  return rules.authorities.map(({ signingKey }, i) => ({
    number: i + 1,
    signingKey,
    fingerprint: fingerprints?.[i] ?? UNKNOWN,
    isHere: authority === i,
    signed: epoch === 0 ? undefined : signedBy?.includes(i),
  }))
}

const AUTHORITY_COLUMNS: readonly Column<AuthorityRow>[] = [
  {
    id: 'number',
    header: 'Authority',
    cell: ({ number, isHere }) => (
      <span className="inline-flex flex-wrap items-center gap-x-2 whitespace-nowrap">
        {number} {isHere && <Badge tone="accent">this one</Badge>}
      </span>
    ),
  },
  {
    id: 'key',
    header: 'Key',
    className: 'w-full',
    cell: ({ fingerprint, signingKey }) => (
      <span title={signingKey} className="block font-mono text-[0.8125rem]">
        {fingerprint}
      </span>
    ),
  },
  { id: 'signed', header: 'Signed', align: 'end', cell: ({ signed }) => <Signed signed={signed} /> },
]

function Signed({ signed }: { signed: boolean | undefined }) {
  if (signed === undefined) return <span className="text-faint">{UNKNOWN}</span>
  return signed ? <State tone="good">signed</State> : <State tone="warn">did not sign</State>
}

function Evidence() {
  const evidence = useQuery(evidenceQuery(useClient()))
  return (
    <Card
      flush
      className="lg:col-span-2"
      title="Evidence"
      note="Keys that signed two things that contradict each other. Anyone can check both signatures."
    >
      <Resource query={evidence} lines={2} label="Loading evidence">
        {({ items }) =>
          items.length === 0 ? (
            <p className="px-4 pb-4 text-sm text-soft sm:px-5">None was found.</p>
          ) : (
            <DataTable
              caption={`Evidence: ${countOf(items.length, 'pair')} of contradicting documents`}
              columns={EVIDENCE_COLUMNS}
              rows={items}
              rowId={({ kind, culprit, epoch }) => `${kind} ${culprit} ${epoch}`}
            />
          )
        }
      </Resource>
    </Card>
  )
}

const EVIDENCE_COLUMNS: readonly Column<MixEvidenceView>[] = [
  { id: 'kind', header: 'Two', cell: ({ kind }) => `${sentenceOf(kind)}s` },
  { id: 'culprit', header: 'Signed by', cell: ({ culprit }) => <IdText id={culprit} /> },
  { id: 'epoch', header: 'Epoch', align: 'end', sort: ({ epoch }) => epoch, cell: ({ epoch }) => formatCount(epoch) },
  {
    id: 'sound',
    header: 'Checked',
    cell: ({ sound }) => (sound ? <State tone="bad">sound</State> : <State tone="idle">does not hold</State>),
  },
  {
    id: 'documents',
    header: 'Documents',
    align: 'end',
    from: 'sm',
    cell: (evidence) => (
      <span className="inline-flex gap-3">
        <DocumentLink evidence={evidence} which="first" />
        <DocumentLink evidence={evidence} which="second" />
      </span>
    ),
  },
]

function DocumentLink({ evidence, which }: { evidence: MixEvidenceView; which: 'first' | 'second' }) {
  const { kind, culprit, epoch } = evidence
  const bytes = which === 'first' ? evidence.firstBytes : evidence.secondBytes
  return (
    <a
      href={`/v1/mixnet/evidence/${kind}/${culprit}/${epoch}/${which}`}
      download={`${kind}-${culprit.slice(0, 12)}-${epoch}-${which}.json`}
      className="font-medium text-accent hover:underline"
    >
      {which === 'first' ? 'First' : 'Second'} <span className="font-normal text-faint">{formatBytes(bytes)}</span>
    </a>
  )
}
