// A module of a service names one of the kit's by a relative address.
import { formatSeconds } from "../kit/js/dom.js";

document.getElementById("demo").textContent = `module ran: ${formatSeconds(3900)}`;
