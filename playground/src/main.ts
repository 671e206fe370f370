/** @module The page's start. */
import "./style/base.css";
import "./style/parts.css";
import { startOffline } from "./offline.ts";
import { startRouter } from "./router.ts";
import { startTheme } from "./theme.ts";
import { startTrouble } from "./trouble.ts";

startTheme(document.getElementById("theme") as HTMLButtonElement);
startTrouble(document.getElementById("global")!);
startRouter(document.getElementById("nav")!, document.getElementById("main")!);
startOffline(document.getElementById("offline")!);
