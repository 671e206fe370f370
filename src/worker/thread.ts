/** @module What a worker runs. */
import { serve } from "./serve.ts";

serve();
