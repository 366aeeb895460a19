// In place of unfold's copy of Chart.js, 70 kB compressed, which every page would load: the desk draws its pictures without it.
