/** The programs of the documentation, which the build writes. */
declare module "playground-examples" {
  export const PROGRAMS: Readonly<
    Record<string, () => Promise<{ default: (before: (block: number) => Promise<void>) => Promise<void> }>>
  >;
}
