/** Two things signed by one key for one epoch of which an honest signer makes one. Both can be checked by anyone. */
export interface Evidence {
  readonly kind: 'descriptor' | 'vote'
  /** The signer's key in hex. */
  readonly culprit: string
  readonly epoch: number
  /** Signed documents. */
  readonly first: Uint8Array
  readonly second: Uint8Array
}

/**
 * What an authority must still know after a crash. What it once signed for an epoch stays what it signed: two pins of one epoch
 * are the first.
 */
export interface DirectoryStore {
  /** Replaces the node's descriptor of this epoch. `nodeId` in hex. */
  putDescriptor(epoch: number, nodeId: string, bytes: Uint8Array): Promise<void>
  findDescriptor(epoch: number, nodeId: string): Promise<Uint8Array | undefined>
  /** By node id. */
  listDescriptors(epoch: number): Promise<readonly Uint8Array[]>
  countDescriptors(epoch: number): Promise<number>

  /** The vote of this epoch: these bytes if there was none, else the first. Durable when it returns. */
  pinVote(epoch: number, bytes: Uint8Array): Promise<Uint8Array>
  findVote(epoch: number): Promise<Uint8Array | undefined>
  /** The digest signed for this epoch: this one if there was none, else the first. Durable when it returns. */
  pinDigest(epoch: number, digest: Uint8Array): Promise<Uint8Array>

  /** Keeps the first consensus of an epoch; says whether it is this one. */
  addConsensus(epoch: number, bytes: Uint8Array): Promise<'added' | 'exists'>
  findConsensus(epoch: number): Promise<Uint8Array | undefined>
  /** The one of the highest epoch below `before`, of all if not given. */
  findLastConsensus(before?: number): Promise<Uint8Array | undefined>

  /** Once for each kind, culprit and epoch. */
  addEvidence(evidence: Evidence): Promise<void>
  /** The latest epochs first. */
  listEvidence(limit: number): Promise<readonly Evidence[]>

  /** Lets go of descriptors, votes and digests of epochs before this one. Consensuses and evidence stay. */
  forgetBefore(epoch: number): Promise<void>
}
