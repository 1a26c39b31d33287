/** What must always hold did not. The message says where, so that it can be found again. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
}
