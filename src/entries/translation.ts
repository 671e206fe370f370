/**
 * @module `svi-lm/translation`: one text turned into another by a model of pairs, by beam search, with the uncertainty
 * of every sentence.
 */
export {
  type SourceFailure,
  type Target,
  type TranslateAllOptions,
  type TranslateOptions,
  type Translation,
  translate,
  translateAll,
} from "../translation/translate.ts";
