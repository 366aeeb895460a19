// In place of unfold's copy of Alpine's plugin that drags rows, 14 kB compressed, which every page would load: no list of the desk is dragged.
