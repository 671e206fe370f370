/** @module The methods of inference, by the name that their descriptions have. */
import { ADAM } from "./adam.ts";
import { ADAMW } from "./adamw.ts";
import { BBB } from "./bbb.ts";
import type { Guide, GuideContext } from "./guide.ts";
import { IVON } from "./ivon/guide.ts";
import type { Common, MethodEntry } from "./method.ts";
import { SGD } from "./sgd.ts";

export const METHODS = { sgd: SGD, adam: ADAM, adamw: ADAMW, bbb: BBB, ivon: IVON };

export type MethodKind = keyof typeof METHODS;
type Described = { [K in MethodKind]: ReturnType<(typeof METHODS)[K]["describe"]> };
/** What a run of inference is asked to do: a plain description, which files and step records can hold. */
export type Method = Described[MethodKind];
/** The options of a method; what is not given has its default. */
export type MethodOptions<K extends MethodKind> = NonNullable<Parameters<(typeof METHODS)[K]["describe"]>[0]>;

export function entryOf({ kind }: Method): MethodEntry<Common> {
  return METHODS[kind] as unknown as MethodEntry<Common>;
}

export function guideOf(context: GuideContext, method: Method): Guide {
  return entryOf(method).guide(context, method);
}
