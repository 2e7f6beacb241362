from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Now


def date_removals(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let the removals in progress begin now: when they did is not known."""
    apps.get_model("uploads", "Upload").objects.filter(state="removing").update(removing_since=Now())


class Migration(migrations.Migration):
    dependencies = [
        ("uploads", "0003_round_of_reconcile"),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="failure",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.AddField(
            model_name="upload",
            name="removing_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(date_removals, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(condition=models.Q(("state", "removing")), fields=["removing_since"], name="stuck"),
        ),
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", True), ("removed_at__isnull", False)),
                fields=["removed_at"],
                name="refused",
            ),
        ),
    ]
