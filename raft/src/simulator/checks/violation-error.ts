/** A property that must hold did not: a bug of the core, or of the simulator itself. */
export class ViolationError extends Error {
  /** Which one; a stable name. */
  readonly property: string;

  constructor(property: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ViolationError';
    this.property = property;
  }
}
