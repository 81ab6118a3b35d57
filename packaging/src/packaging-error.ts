/** What keeps packages or a repository from being made: a missing tool, file or setting. */
export class PackagingError extends Error {
  readonly code = 'CELL_E_PACKAGING';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PackagingError';
  }
}
