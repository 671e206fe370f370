// Module scripts do not load from file: addresses; this one does, and says so.
if (location.protocol === "file:") document.getElementById("from-disk").hidden = false;
