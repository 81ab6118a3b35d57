/** One man page. */
export interface ManualPage {
  /** Such as "cellctl.1". */
  readonly file: string;
  /** In roff. */
  readonly text: string;
}
